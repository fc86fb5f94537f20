/** Errors of folders and archives. */
import { copyImage, fetchManifest, parseImageName } from "../../mod.ts";
import { type ErrorRows, type ErrorWorld, NAME, UNSIGNED } from "./world.ts";

/** Copies an image of the registry. */
async function copyTo({ systemContext }: ErrorWorld, destination: string): Promise<void> {
  await copyImage(`docker://${NAME}`, destination, { systemContext, ...UNSIGNED });
}

export const TRANSPORT_ROWS: ErrorRows = {
  ARCHIVE_INVALID: async (world) =>
    await fetchManifest(`oci-archive:${await world.write("text.tar", "This is not an archive.")}`),
  COMPRESSION_NOT_SUPPORTED: async (world) =>
    await fetchManifest(`oci-archive:${await world.write("bzip2.tar", "BZh91AY&SY and so on")}`),
  DESTINATION_IN_USE: async (world) => {
    await Deno.mkdir(`${world.folder}/busy`);
    await using _writing = await parseImageName(`dir:${world.folder}/busy`).openDestination();
    await copyTo(world, `dir:${world.folder}/busy`);
  },
  DESTINATION_NOT_AN_IMAGE: async (world) => {
    await world.write("documents/letter.txt", "Dear reader");
    await copyTo(world, `dir:${world.folder}/documents`);
  },
  LAYOUT_INVALID: async (world) => {
    await world.write("layout/oci-layout", '{"imageLayoutVersion":"1.0.0"}');
    await world.write("layout/index.json", "[]");
    await fetchManifest(`oci:${world.folder}/layout`);
  },
  TRANSPORT_IO: async (world) => {
    await world.write("file", "");
    await copyTo(world, `oci-archive:${world.folder}/file/image.tar`);
  },
};
