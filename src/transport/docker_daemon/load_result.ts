import { type ByteStream, readChunks } from "../../internal/room.ts";

/** Maximum length of one message, in characters. */
const MAX_MESSAGE = 64 * 1024;
/** Maximum length of a line in an error if the line is not JSON, in characters. */
const MAX_TEXT = 1024;

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

/** Returns the error in a line. A line that is not JSON is one, such as the answer of another server. */
function findProblem(line: string): string | undefined {
  const text = line.trim();
  if (text === "") return undefined;
  try {
    const { error, errorDetail } = JSON.parse(text);
    if (!error && !errorDetail) return undefined;
    const message = errorDetail?.message || error;
    return typeof message === "string" ? message : text;
  } catch {
    // JSON documents need not be on separate lines.
    const documents = text.split(/(?<=\})\s*(?=\{)/);
    if (documents.length > 1) return documents.map(findProblem).find((problem) => problem !== undefined);
    return text.slice(0, MAX_TEXT);
  }
}
