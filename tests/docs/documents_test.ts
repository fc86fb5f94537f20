/** The documents: their links lead somewhere, and their commands and scripts run as they are written. */
import assert from "node:assert/strict";
import { listDocuments } from "../../_tools/check_markdown.ts";
import { folderTest } from "../support/folders.ts";
import { exec } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { prepare, ROOT, runScript } from "./quay.ts";

const documents = new Map<string, string>();
for (const path of await listDocuments(ROOT)) {
  documents.set(path, await Deno.readTextFile(new URL(path, ROOT)));
}

/** A fenced block of code. */
interface CodeBlock {
  /** The words after the fence: the language, and whether and why it is not run. */
  readonly info: string;
  /** The code. */
  readonly code: string;
}

function codeBlocks(markdown: string): CodeBlock[] {
  const blocks = markdown.matchAll(/^( *)```(.+)\n([\s\S]*?)^ *```$/gm);
  return Array.from(blocks, ([, indent, info, code]) => ({
    info: info!,
    code: code!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  }));
}

/** The identifier that a forge gives to a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(/\s/g, "-");
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

Deno.test("every link between documents leads to a file and to a heading", async () => {
  for (const [path, text] of documents) {
    for (const [, target] of text.replaceAll(/```[\s\S]*?```/g, "").matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target!)) continue;
      const url = new URL(target!, new URL(path, "file:///"));
      const file = url.pathname.slice(1) || path;
      assert.ok(await isThere(file), `${path}: ${target}`);
      if (url.hash === "") continue;
      const headings = (documents.get(file) ?? "").matchAll(/^#+ (.*)$/gm);
      assert.ok(Array.from(headings, ([, text]) => `#${anchorOf(text!)}`).includes(url.hash), `${path}: ${target}`);
    }
  }
});

Deno.test("every block of commands or code runs in a test, or says why it does not", () => {
  for (const [path, text] of documents) {
    for (const { info } of codeBlocks(text)) {
      const language = info.split(" ")[0]!;
      if (["text", "mermaid", "yaml", "toml", "json", "groovy"].includes(language)) continue;
      const isRun = ["ts", "sh", "ts ignore script"].includes(info);
      assert.ok(isRun || /^(ts|sh) ignore: \S+/.test(info), `${path}: ${info}`);
    }
  }
});

for (const [path, text] of documents) {
  const commands = codeBlocks(text).filter(({ info }) => info === "sh").map(({ code }) => code);
  if (commands.length > 0) {
    folderTest(`the commands of ${path} run in their order`, async (folder) => {
      await using registry = startEmbedded();
      const env = await prepare(folder, registry.host);
      const { code, stderr } = await exec(["sh", "-eu", "-c", [`cd ${folder}`, ...commands].join("\n")], env);
      assert.equal(code, 0, stderr);
    });
  }
  const scripts = codeBlocks(text).filter(({ info }) => info === "ts ignore script").map(({ code }) => code);
  if (scripts.length > 0) {
    folderTest(`the scripts of ${path} run`, async (folder) => {
      await using registry = startEmbedded();
      const env = await prepare(folder, registry.host);
      for (const script of scripts) {
        const source = script.replaceAll("jsr:@multiarch/manifests", "@multiarch/manifests");
        await Deno.writeTextFile(`${folder}/script.ts`, source);
        const { code, stderr } = await runScript(`${folder}/script.ts`, [], env);
        assert.equal(code, 0, stderr);
      }
    });
  }
}
