import { type ByteStream, readChunks } from "../../internal/room.ts";

/** Maximum length of one message, in characters. */
const MAX_MESSAGE = 64 * 1024;

/**
 * Reads the answer to a load: a stream of JSON documents, one per line. A daemon that cannot load an archive answers 200
 * too, and reports the error in one of them.
 *
 * @returns The daemon's error; `undefined` if it reports none.
 */
export async function readLoadResult(stream: ByteStream | null): Promise<string | undefined> {
  if (!stream) return undefined;
  let problem: string | undefined;
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of readChunks(stream)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!.slice(0, MAX_MESSAGE);
    for (const line of lines) problem ??= findProblem(line);
  }
  return problem ?? findProblem(rest);
}

function findProblem(line: string): string | undefined {
  try {
    const { error, errorDetail } = JSON.parse(line);
    const text = errorDetail?.message ?? error;
    return text === undefined ? undefined : String(text);
  } catch {
    return undefined;
  }
}
