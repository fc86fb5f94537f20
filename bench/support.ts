/** Helpers of the benches: measurements, reports and a relay that adds latency. */
import { exec, ok } from "../tests/support/peers.ts";

/** Measurements of several runs of one candidate. */
export interface Sample {
  name: string;
  /** Duration of each run, in milliseconds. */
  times: number[];
  /** Maximum resident memory of the process of a run, in MiB; 0 if it was not measured. */
  memory: number;
}

/** Returns the median of some numbers. */
export function findMedian(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Runs candidates in turn, so that other work of the machine affects all of them equally. */
export async function compare(
  runs: number,
  candidates: readonly {
    name: string;
    prepare?: (run: number) => Promise<void>;
    run: (run: number) => Promise<number | void>;
  }[],
): Promise<Sample[]> {
  const samples = candidates.map(({ name }): Sample => ({ name, times: [], memory: 0 }));
  for (let run = 0; run < runs; run++) {
    for (const [i, candidate] of candidates.entries()) {
      await candidate.prepare?.(run);
      const started = performance.now();
      const memory = await candidate.run(run);
      samples[i]!.times.push(performance.now() - started);
      samples[i]!.memory = Math.max(samples[i]!.memory, memory ?? 0);
    }
  }
  return samples;
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function formatSample({ name, times, memory }: Sample): string {
  const peak = memory ? `  ${memory.toFixed(0).padStart(5)} MiB` : "";
  return `  ${name.padEnd(34)} ${findMedian(times).toFixed(0).padStart(7)} ms${peak}`;
}

/** Prints a comparison: the sample of this project first, then the others with their ratios. */
export function report(title: string, [project, ...others]: readonly Sample[]): void {
  printLine(`\n${title}\n${formatSample(project!)}`);
  for (const other of others) {
    const ratio = findMedian(project!.times) / findMedian(other.times);
    printLine(`${formatSample(other)}   manifests / this = ${ratio.toFixed(2)}`);
  }
}

/** Prints samples without comparing them. */
export function reportAll(title: string, samples: readonly Sample[]): void {
  printLine(`\n${title}\n${samples.map(formatSample).join("\n")}`);
}

/** Runs a command and returns the maximum resident memory of its process, in MiB. Throws if it fails. */
export async function measureMemory(command: string[], env: Record<string, string> = {}): Promise<number> {
  const { code, stderr } = await exec(["/usr/bin/env", "python3", "-c", PEAK, ...command], env);
  const [peak, ...rest] = stderr.trimEnd().split("\n").reverse();
  if (code !== 0) throw new Error(`${command.join(" ")} exited ${code}: ${rest.reverse().join("\n")}`);
  return Number(peak) / 1024;
}

/** Python program that runs a command and prints its maximum resident memory, in KiB, as the last line of standard error. */
const PEAK = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
`;

/** Starts a TCP relay that delays every chunk by `milliseconds` each way. */
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

/** Forwards bytes. Chunks keep their order and intervals, so that the delay does not limit the throughput. */
async function pipe(from: Deno.Conn, to: Deno.Conn, milliseconds: number): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const buffer = new Uint8Array(65536);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      const chunk = buffer.slice(0, count);
      const due = new Promise((resolve) => setTimeout(resolve, milliseconds));
      last = Promise.all([last, due]).then(async () => {
        for (let at = 0; at < chunk.length;) at += await to.write(chunk.subarray(at));
      });
      last.catch(() => {});
    }
    await last;
  } catch {
    // If one connection breaks, both are closed.
  }
  close(to);
  close(from);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // The connection is already closed.
  }
}

export { ok };
