import { clientOf, makeImage, pushImage } from "../tests/support/images.ts";
import { type OddEntry, oddTar } from "../tests/support/odd_tar.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore, storageName, type TestStore } from "../tests/support/stores.ts";
import { createNoise, createProgram } from "./content.ts";
import { CLI, NO_CACHE } from "./settings.ts";
import { type Candidate, compare, measure, report } from "./support.ts";

/** Number of layers of each image. */
const LAYERS = 4;

/** Creates the entries of a layer with 5,000 files of up to 8 KB. */
function createSmallFiles(): OddEntry[] {
  const program = createProgram();
  const pick = (limit: number) => crypto.getRandomValues(new Uint32Array(1))[0]! % limit;
  return Array.from({ length: 100 }, (_, i) => `folder${i}/`).flatMap((folder) => [
    { name: folder, type: "5" },
    ...Array.from({ length: 50 }, (_, i): OddEntry => {
      const at = pick(program.length - 10_000);
      return { name: `${folder}file${i}`, content: program.subarray(at, at + pick(8000)) };
    }),
  ]);
}

const IMAGES: Record<string, () => OddEntry[]> = {
  "four layers of 120 MB": () => [{ name: "content", content: createNoise() }],
  "four layers of 120 MB, which are compressed": () => [{ name: "content", content: createProgram() }],
  "four layers of 5,000 small files": createSmallFiles,
};

/** Copies images from a registry into a local store. */
export async function unpacking(): Promise<void> {
  for (const [what, createEntries] of Object.entries(IMAGES)) {
    await using from = await startDockerRegistry();
    const layers = Array.from({ length: LAYERS }, () => oddTar(createEntries()));
    await pushImage(clientOf(from.host).repository("app"), makeImage({ architecture: "amd64", layers }), "1");
    for (const driver of ["overlay", "vfs"]) {
      // Stores are removed at the end: soon after a removal, ext4 creates files more slowly.
      await using stores = new AsyncDisposableStack();
      const createCandidate = (name: string, command: readonly string[], env: Record<string, string>): Candidate => {
        let at: TestStore;
        return {
          name,
          prepare: async () => void (at = stores.use(await makeStore(driver))),
          run: async () => {
            const options = ["copy", "-q", "--src-tls-verify=false", `docker://${from.host}/app:1`];
            return await measure([...command, ...options, storageName(at, "localhost/app:1")], env);
          },
        };
      };
      const samples = await compare(3, [
        createCandidate("manifests copy", CLI, NO_CACHE),
        createCandidate("skopeo copy", ["skopeo"], {}),
      ]);
      report(`Copy ${what} from a registry into a local store (${driver})`, samples);
    }
  }
}
