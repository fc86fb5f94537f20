import { serve } from "./registries.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Runs a module in a page of its own, in a headless Chromium that ends with the call.
 *
 * @param script A module's file; `expression` uses its exports as `module`.
 * @param expression What the page evaluates, and awaits.
 * @returns The expression's value, which must be JSON.
 */
export async function runInChromium(script: string, expression: string): Promise<unknown> {
  const told = Promise.withResolvers<unknown>();
  await using page = serve(async (request) => {
    switch (new URL(request.url).pathname) {
      case "/":
        return new Response(pageOf(expression), { headers: { "content-type": "text/html; charset=utf-8" } });
      case "/module.js":
        return new Response(await Deno.readFile(script), { headers: { "content-type": "text/javascript" } });
      case "/told":
        told.resolve(await request.json());
        return new Response();
    }
    return new Response(null, { status: 404 });
  });
  const profile = await Deno.makeTempDir({ prefix: "chromium-" });
  const args = [...FLAGS, `--user-data-dir=${profile}`, `http://${page.host}/`];
  const browser = new Deno.Command("chromium", { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const ended = browser.output();
  let running = true;
  ended.finally(() => running = false);
  try {
    const ends = ended.then(({ code, stderr }) => {
      throw new Error(`chromium exited ${code}: ${new TextDecoder().decode(stderr)}`);
    });
    const { value, error } = await Promise.race([told.promise, ends]) as { value?: unknown; error?: string };
    if (error !== undefined) throw new Error(`the page failed: ${error}`);
    return value;
  } finally {
    if (running) browser.kill("SIGTERM");
    await ended;
    await removeProfile(profile);
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

function pageOf(expression: string): string {
  return `<!doctype html><script type="module">
const tell = (what) => fetch("/told", { method: "POST", body: JSON.stringify(what) });
try {
  const module = await import("/module.js");
  await tell({ value: await (${expression}) });
} catch (error) {
  await tell({ error: String(error?.stack ?? error) });
}
</script>`;
}
