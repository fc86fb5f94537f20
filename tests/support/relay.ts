/** TCP between a client and a registry, where connections break as they do in the world. */

/** A fault of one request, or of its answer. */
export interface RelayFault {
  /** Which way the bytes go that are counted. */
  way: "up" | "down";
  /** After how many of them, headers included. */
  after: number;
  /** Effect: the connection closes, no more bytes pass, or no more bytes are read. */
  then: "close" | "stall" | "block";
}

/** A relay that ends with its scope. */
export interface Relay extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  host: string;
  /** The first lines of all requests. */
  requests: string[];
  /** How many connections were broken. */
  faults: number;
}

/** One way through a relay. */
interface Way {
  from: Deno.Conn;
  to: Deno.Conn;
  left: number;
  then: RelayFault["then"];
}

/** Relays connections to `target`; `decide` is asked about every request by its first line, as in `GET /v2/ HTTP/1.1`. */
export function startRelay(target: string, decide: (line: string) => RelayFault | undefined): Relay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const open = new Set<Deno.Conn>();
  const work: Promise<void>[] = [];
  const ending = Promise.withResolvers<void>();
  const [hostname, port] = target.split(":") as [string, string];

  const pass = async (client: Deno.Conn) => {
    open.add(client);
    const server = await Deno.connect({ hostname, port: Number(port) });
    open.add(server);
    const up: Way = { from: client, to: server, left: Infinity, then: "close" };
    const down: Way = { from: server, to: client, left: Infinity, then: "close" };
    const inspect = (bytes: Uint8Array) => {
      const line = /^(?:GET|HEAD|POST|PATCH|PUT|DELETE) \S+ HTTP\/1\.1/.exec(
        new TextDecoder().decode(bytes.subarray(0, 2000)),
      )?.[0];
      if (line === undefined) return;
      requests.push(line);
      const fault = decide(line);
      up.left = down.left = Infinity;
      if (fault) Object.assign(fault.way === "up" ? up : down, { left: fault.after, then: fault.then });
    };
    await Promise.allSettled([pump(up, inspect), pump(down)]);
    for (const side of [client, server]) close(side);
  };
  const close = (side: Deno.Conn) => {
    if (open.delete(side)) side.close();
  };
  const pump = async (way: Way, inspect?: (bytes: Uint8Array) => void) => {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read; (read = await way.from.read(buffer)) !== null;) {
        const bytes = buffer.subarray(0, read);
        inspect?.(bytes);
        const passed = bytes.subarray(0, Math.min(way.left, read));
        way.left -= passed.length;
        for (let at = 0; at < passed.length;) at += await way.to.write(passed.subarray(at));
        if (way.left > 0) continue;
        relay.faults++;
        // Swallowing what still comes keeps the connection open, until somebody gives up.
        if (way.then === "stall") { while (await way.from.read(buffer) !== null) continue; }
        if (way.then === "block") await ending.promise;
        break;
      }
    } finally {
      for (const side of [way.from, way.to]) close(side);
    }
  };

  const accept = async () => {
    try {
      for await (const client of listener) work.push(pass(client).catch(() => {}));
    } catch {
      // Closed.
    }
  };
  const accepting = accept();
  const relay: Relay = {
    host: `127.0.0.1:${listener.addr.port}`,
    requests,
    faults: 0,
    async [Symbol.asyncDispose]() {
      listener.close();
      ending.resolve();
      for (const side of [...open]) close(side);
      await accepting;
      await Promise.all(work);
    },
  };
  return relay;
}

/** A server that answers every request with the bytes that it is told, and ends the connection. */
export function startRaw(answer: (head: string) => string | Uint8Array): Omit<Relay, "faults"> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const work: Promise<void>[] = [];
  const serve = async (connection: Deno.Conn) => {
    using side = connection;
    const buffer = new Uint8Array(65_536);
    let head = "";
    while (!head.includes("\r\n\r\n")) {
      const read = await side.read(buffer);
      // A client that starts with TLS is refused at once.
      if (read === null || (head === "" && buffer[0] === 0x16)) return;
      head += new TextDecoder().decode(buffer.subarray(0, read));
    }
    requests.push(head.split("\r\n")[0]!);
    const answered = answer(head);
    const bytes = typeof answered === "string" ? new TextEncoder().encode(answered) : answered;
    for (let at = 0; at < bytes.length;) at += await side.write(bytes.subarray(at));
  };
  const accept = async () => {
    try {
      for await (const connection of listener) work.push(serve(connection).catch(() => {}));
    } catch {
      // Closed.
    }
  };
  const accepting = accept();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(work);
    },
  };
}
