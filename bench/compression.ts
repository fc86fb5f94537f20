import { type Algorithm, createRecoder } from "../src/copy/recoding/mod.ts";
import { concatBytes, readChunks } from "../src/internal/room.ts";
import { encodeTarHeader, tarPadding } from "../src/internal/tar/room.ts";
import { digestOf } from "../src/spec/room.ts";
import { createProgram } from "./content.ts";
import { compare, reportAll } from "./support.ts";

/** Measures compression by algorithm and level, for one layer and for two at the same time. */
export async function compression(): Promise<void> {
  const tar = makeArchive(createProgram());
  const rows: [string, Algorithm, number | undefined][] = [
    ["gzip", "gzip", undefined],
    ["gzip, level 6", "gzip", 6],
    ["zstd", "zstd", undefined],
    ["zstd, level 10", "zstd", 10],
    ["zstd:chunked, level 3", "zstd:chunked", 3],
  ];
  using recoder = createRecoder();
  const layer = { digest: digestOf(tar), size: tar.length };
  const run = async (algorithm: Algorithm, level: number | undefined) => {
    const source = new Blob([tar]).stream();
    const { stream } = await recoder.recode(source, { compress: { algorithm, level } }, layer);
    for await (const _ of readChunks(stream));
  };
  await run("zstd", 1);
  reportAll(
    "Compress 120 MB in this process, once and twice at the same time",
    await compare(
      3,
      rows.flatMap(([name, algorithm, level]) => [
        { name, run: () => run(algorithm, level) },
        {
          name: `${name}, two at the same time`,
          run: async () => void await Promise.all([1, 2].map(() => run(algorithm, level))),
        },
      ]),
    ),
  );
}

/** Creates a tar archive with one file. */
function makeArchive(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const header = encodeTarHeader({ name: "content", type: "file", size: content.length });
  return concatBytes([header, content, new Uint8Array(tarPadding(content.length) + 1024)]);
}
