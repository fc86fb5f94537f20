/** What the side-by-side runs share: measuring, real tools, a relay that adds latency. */
import { exec, ok } from "../tests/support/peers.ts";

/** Times of several runs of one thing, in milliseconds. */
export interface Sample {
  name: string;
  times: number[];
  /** Highest resident memory of a run's process, in MiB; 0 where it was not measured. */
  memory: number;
}

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Runs things in turn, so that what the machine does meanwhile hits all alike. */
export async function compare(
  runs: number,
  things: readonly {
    name: string;
    prepare?: (run: number) => Promise<void>;
    run: (run: number) => Promise<number | void>;
  }[],
): Promise<Sample[]> {
  const samples = things.map(({ name }): Sample => ({ name, times: [], memory: 0 }));
  for (let run = 0; run < runs; run++) {
    for (const [i, thing] of things.entries()) {
      await thing.prepare?.(run);
      const started = performance.now();
      const memory = await thing.run(run);
      samples[i]!.times.push(performance.now() - started);
      samples[i]!.memory = Math.max(samples[i]!.memory, memory ?? 0);
    }
  }
  return samples;
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function show({ name, times, memory }: Sample): string {
  const peak = memory ? `  ${memory.toFixed(0).padStart(5)} MiB` : "";
  return `  ${name.padEnd(34)} ${median(times).toFixed(0).padStart(7)} ms${peak}`;
}

/** Prints what a comparison found: the first thing is ours, the others are what it is measured against. */
export function report(title: string, [ours, ...others]: readonly Sample[]): void {
  say(`\n${title}\n${show(ours!)}`);
  for (const other of others) {
    say(`${show(other)}   ours / this = ${(median(ours!.times) / median(other.times)).toFixed(2)}`);
  }
}

/** Prints things that have nothing to be measured against. */
export function reportAll(title: string, samples: readonly Sample[]): void {
  say(`\n${title}\n${samples.map(show).join("\n")}`);
}

/** Runs a command that must succeed and returns the highest memory of its process, in MiB. */
export async function measured(command: string[], env: Record<string, string> = {}): Promise<number> {
  const { code, stderr } = await exec(["/usr/bin/env", "python3", "-c", PEAK, ...command], env);
  const [peak, ...rest] = stderr.trimEnd().split("\n").reverse();
  if (code !== 0) throw new Error(`${command.join(" ")} exited ${code}: ${rest.reverse().join("\n")}`);
  return Number(peak) / 1024;
}

/** Runs a command and writes the kilobytes that it had at most to the last line of standard error. */
const PEAK = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
`;

/** A TCP relay that holds every piece back for some milliseconds, each way. */
export function startRelay(target: string, milliseconds: number): AsyncDisposable & { host: string } {
  const [hostname, port] = target.split(":") as [string, string];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname, port: Number(port) });
      for (const connection of [client, server]) {
        open.add(connection);
        (connection as Deno.TcpConn).setNoDelay(true);
      }
      pipe(client, server, milliseconds);
      pipe(server, client, milliseconds);
    }
  })().catch(() => {});
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await serving;
    },
  };
}

/** Moves bytes; pieces keep their order and their distances, so that a stream is late but not slow. */
async function pipe(from: Deno.Conn, to: Deno.Conn, milliseconds: number): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const buffer = new Uint8Array(65536);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      const piece = buffer.slice(0, count);
      const due = new Promise((resolve) => setTimeout(resolve, milliseconds));
      last = Promise.all([last, due]).then(async () => {
        for (let at = 0; at < piece.length;) at += await to.write(piece.subarray(at));
      });
      last.catch(() => {});
    }
    await last;
  } catch {
    // A connection that breaks ends here on both sides.
  }
  close(to);
  close(from);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}

export { ok };
