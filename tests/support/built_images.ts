import { ok } from "./peers.ts";
import type { TestStore } from "./stores.ts";

/** Platforms of the images that buildah makes. */
export const BUILT_PLATFORMS: readonly string[] = ["linux/amd64", "linux/arm64"];

/** Options for {@linkcode buildImages}. */
export interface BuildOptions {
  /** Format of the manifests; default: `oci`. */
  format?: "oci" | "docker";
  /** Lines of the Containerfile after `FROM scratch`; each `COPY`, `ADD` or `RUN` makes a layer. */
  lines?: readonly string[];
  /** Files of the context. */
  files?: Readonly<Record<string, string | Uint8Array>>;
}

/**
 * Builds an image per platform with buildah, named `localhost/NAME-ARCHITECTURE`, of two layers unless `lines` say
 * otherwise. Returns the names.
 */
export async function buildImages(at: TestStore, name: string, options: BuildOptions = {}): Promise<string[]> {
  const context = await Deno.makeTempDir({ prefix: "context-" });
  try {
    const { format = "oci", files = { one: "one\n", two: "two\n".repeat(5000) } } = options;
    const lines = options.lines ?? ["COPY one /one", "COPY two /dir/two", "LABEL a=b", "ENV X=y", "CMD /one"];
    for (const [file, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${context}/${file}`, bytes);
    }
    const names: string[] = [];
    for (const platform of BUILT_PLATFORMS) {
      const architecture = platform.split("/")[1]!;
      const image = `localhost/${name}-${architecture}:1`;
      // Contents differ by platform, so that no layer is shared by accident.
      const text = ["FROM scratch", ...lines, `LABEL arch=${architecture}`].join("\n");
      await Deno.writeTextFile(`${context}/Containerfile`, text);
      await ok([
        "buildah",
        ...at.flags,
        "build",
        "-q",
        "--layers",
        "--isolation=chroot",
        `--format=${format}`,
        `--platform=${platform}`,
        "-t",
        image,
        context,
      ]);
      names.push(image);
    }
    return names;
  } finally {
    await Deno.remove(context, { recursive: true });
  }
}
