/** A headless Chromium that tests drive by the Chrome DevTools Protocol: real keys, real pictures, every request seen. */

/** Options for {@linkcode openBrowser}. */
export interface BrowserOptions {
  /** Size of the window in CSS pixels; default: 1200 × 900. */
  size?: [width: number, height: number];
}

interface Message {
  id?: number;
  method?: string;
  sessionId?: string;
  // deno-lint-ignore no-explicit-any -- Its shape depends on the command.
  params?: any;
  // deno-lint-ignore no-explicit-any -- Its shape depends on the command.
  result?: any;
  error?: { message: string };
}

/** One tab of a browser of its own. */
export class Browser implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #process: Deno.ChildProcess;
  readonly #profile: string;
  readonly #stderr: Promise<void>;
  readonly #pending = new Map<number, PromiseWithResolvers<Message>>();
  #session: string | undefined;
  #last = 0;
  /** URLs of all requests of the page. */
  readonly requests: string[] = [];
  /** Headers of the requests, in the same order. */
  readonly headers: Record<string, string>[] = [];
  /** Errors and warnings of the console, such as violations of the Content-Security-Policy, and uncaught exceptions. */
  readonly errors: string[] = [];

  private constructor(process: Deno.ChildProcess, socket: WebSocket, profile: string, stderr: Promise<void>) {
    this.#process = process;
    this.#socket = socket;
    this.#profile = profile;
    this.#stderr = stderr;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
  }

  static async open(options: BrowserOptions = {}): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "chromium-" });
    const args = [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ];
    const process = new Deno.Command("chromium", { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
    const { url, rest } = await readAddress(process);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const browser = new Browser(process, socket, profile, rest);
    const { targetInfos } = await browser.send("Target.getTargets");
    const { targetId } = targetInfos.find(({ type }: { type: string }) => type === "page");
    browser.#session = (await browser.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await browser.send(`${domain}.enable`);
    await browser.resize(...options.size ?? [1200, 900]);
    return browser;
  }

  /** Sends a command of the protocol. */
  // deno-lint-ignore no-explicit-any -- Its shape depends on the command.
  async send(method: string, params: object = {}): Promise<any> {
    const id = ++this.#last;
    const pending = Promise.withResolvers<Message>();
    this.#pending.set(id, pending);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    const { result, error } = await pending.promise;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #receive({ id, method, params, ...message }: Message): void {
    if (id !== undefined) {
      this.#pending.get(id)?.resolve(message);
      this.#pending.delete(id);
    } else if (method === "Network.requestWillBeSent") {
      this.requests.push(params.request.url);
      this.headers.push(params.request.headers);
    } else if (method === "Log.entryAdded") this.errors.push(params.entry.text);
    else if (method === "Runtime.exceptionThrown") this.errors.push(JSON.stringify(params.exceptionDetails));
  }

  /** Opens a URL. */
  async goto(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
  }

  /** Evaluates an expression in the page, and awaits it; its value must be JSON. */
  async evaluate<T = unknown>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression is true in the page, and returns its value. */
  async until<T = unknown>(expression: string): Promise<T> {
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      const value = await this.evaluate<T>(
        `new Promise((done) => requestAnimationFrame(() => done(document.body && (${expression}))))`,
      ).catch(() => undefined);
      if (value) return value;
    }
    throw new Error(`not true in time: ${expression}; the page is ${await this.evaluate("document.body.innerText")}`);
  }

  /** Presses keys by name, such as `Tab` and `Enter`, or types a text of one character each. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
      const code = { Enter: 13, Tab: 9, Escape: 27, " ": 32 }[key] ?? key.charCodeAt(0);
      const event = { key, code: key === " " ? "Space" : key, windowsVirtualKeyCode: code, ...(text ? { text } : {}) };
      await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
      await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    }
  }

  /** Types a text into the focused element. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** Changes the size of the window, in CSS pixels. */
  async resize(width: number, height: number, mobile = false): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
  }

  /** Chooses light or dark mode. */
  async setScheme(scheme: "light" | "dark"): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.send("Emulation.setEmulatedMedia", { features });
  }

  /** Takes a picture of the whole page, as PNG. */
  async picture(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Uint8Array.fromBase64(data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await this.#stderr;
    this.#socket.close();
    await closed;
    await removeProfile(this.#profile);
  }
}

/** Reads the address of the protocol, which Chromium prints. `rest` ends with its other output. */
async function readAddress(process: Deno.ChildProcess): Promise<{ url: string; rest: Promise<void> }> {
  const reader = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`chromium ended: ${text}`);
    text += value;
    const url = /DevTools listening on (ws:\S+)\n/.exec(text)?.[1];
    if (url === undefined) continue;
    const drain = async () => {
      while (!(await reader.read()).done);
    };
    return { url, rest: drain() };
  }
}

/** Helpers of the browser may write a last file while its folder is being removed. */
async function removeProfile(profile: string, attempts = 10): Promise<void> {
  try {
    await Deno.remove(profile, { recursive: true });
  } catch (error) {
    if (attempts <= 1) throw error;
    await removeProfile(profile, attempts - 1);
  }
}
