import type { ImageProblem, ImageValidation, InspectedInstance, Inspection } from "../src/actions/room.ts";
import { count, formatBytes } from "../src/cli/format/units.ts";
import { type Child, clean, copyable, data, element, facts, shortDigest } from "./dom.ts";
import { type Group, groupInstances } from "./group.ts";
import { collectOwners, createBar, createLayerTable, type LayerOwners } from "./layers.ts";

/** Values that the cards of one index share. */
interface CardContext {
  readonly name: string;
  readonly largest: number;
  readonly owners: LayerOwners;
}

/** Creates the view of an index or image. `showValidation` adds the result of a check to it. */
export function createIndexView(
  image: Inspection,
): { view: HTMLElement; showValidation: (found: ImageValidation | Error) => void } {
  const owners = collectOwners(image.instances);
  const context = { name: image.name, owners, largest: findLargest(image.instances) };
  const verdict = element("div", { class: "verdict", "aria-live": "polite" }, element("p", {}, "Checking…"));
  const view = element(
    "article",
    { class: "index" },
    element("h2", {}, data(image.name.replace(/^docker:\/\//, ""))),
    facts([
      ["Digest", copyable(image.digest, "digest")],
      ["Media type", data(image.mediaType)],
      ...(image.subject ? [["Subject", copyable(image.subject, "digest of the subject")] as const] : []),
      ["Signatures", formatSignatures(image.signatures)],
      ...(image.attestations.length > 0
        ? [
          [
            "Attestations",
            image.attestations.map(({ predicateType, manifest }) =>
              element(
                "div",
                {},
                data(predicateType ?? "unknown type"),
                " ",
                copyable(manifest, "digest of the attestation", shortDigest(manifest)),
              )
            ),
          ] as const,
        ]
        : []),
      ["Shared layers", describeSharing(image.instances)],
      ...pullFact(image.name, undefined),
    ]),
    createAnnotations(image.annotations),
    verdict,
    element(
      "p",
      { class: "legend" },
      element("span", { class: "swatch shared" }),
      " layers that several images share ", //
      element("span", { class: "swatch single" }),
      " layers of one image",
    ),
    createCards(image.instances, context),
  );
  const showValidation = (found: ImageValidation | Error) => {
    verdict.replaceChildren(...createVerdict(found));
    if (!(found instanceof Error)) markCards(view, found.problems);
  };
  return { view, showValidation };
}

function createCards(instances: readonly InspectedInstance[], context: CardContext): HTMLElement {
  if (instances.length === 0) return element("p", {}, "The index is empty.");
  return element("ul", { class: "cards" }, groupInstances(instances).map((group) => createCard(group, context)));
}

function createCard({ instance, attestations }: Group, context: CardContext): HTMLElement {
  const { digest, platform, layers, size, instances, problem } = instance;
  return element(
    "li",
    { class: "card", "data-digest": digest },
    element("h3", {}, data(formatTitle(instance))),
    problem !== undefined && element("p", { class: "bad" }, "Cannot be read: ", data(problem)),
    layers.length > 0 && createBar(layers, context.largest),
    facts([
      ...describePlatform(platform),
      ...(problem === undefined && !instances ? [["Size", formatBytes(size)] as const] : []),
      ["Digest", copyable(digest, "digest", shortDigest(digest))],
      ["Media type", data(instance.mediaType)],
      ...(instance.artifactType ? [["Artifact type", data(instance.artifactType)] as const] : []),
      ["Signatures", formatSignatures(instance.signatures)],
      ...(instances ? [] : pullFact(context.name, digest)),
    ]),
    createAnnotations(instance.annotations),
    createLayerTable(layers, context.owners, platform || shortDigest(digest)),
    createAttestations(attestations),
    instances && element(
      "details",
      { open: "" },
      element("summary", {}, `Nested index with ${count(instances.length, "entry").replace("entrys", "entries")}`),
      createCards(instances, context),
    ),
  );
}

function formatTitle({ platform, attests, artifactType, instances }: InspectedInstance): string {
  if (attests !== undefined) return "Attestation of an image that is not in this index";
  if (platform) return platform.split(":")[0]!.split("+")[0]!;
  return instances ? "Nested index" : artifactType ? "Artifact" : "No platform";
}

/** Splits `os/architecture/variant:version+feature` into facts. */
function describePlatform(platform: string): (readonly [string, Child])[] {
  const [withVersion = "", ...features] = platform.split("+");
  const [name = "", version] = withVersion.split(":");
  const variant = name.split("/")[2];
  return [
    ...(variant ? [["Variant", data(variant)] as const] : []),
    ...(version ? [["OS version", data(version)] as const] : []),
    ...(features.length > 0 ? [["OS features", data(features.join(", "))] as const] : []),
  ];
}

function createAttestations(attestations: readonly InspectedInstance[]): Child {
  return attestations.length > 0 && element(
    "details",
    { class: "attestations" },
    element("summary", {}, count(attestations.length, "attestation")),
    element(
      "ul",
      {},
      attestations.map(({ digest, predicateTypes = [], size, problem }) =>
        element(
          "li",
          {},
          data(predicateTypes.join(", ") || "unknown type"),
          ` (${formatBytes(size)}) `,
          copyable(digest, "digest of the attestation", shortDigest(digest)),
          problem !== undefined && element("span", { class: "bad" }, " cannot be read: ", data(problem)),
        )
      ),
    ),
  );
}

function createAnnotations(annotations: Readonly<Record<string, string>>): Child {
  const entries = Object.entries(annotations);
  return entries.length > 0 && element(
    "details",
    { class: "annotations" },
    element("summary", {}, count(entries.length, "annotation")),
    facts(entries.map(([name, value]) => [name, data(value)])),
  );
}

/** Returns the command that pulls an image from its registry; nothing for images elsewhere. */
function pullFact(name: string, digest: string | undefined): (readonly [string, Child])[] {
  const pulled = /^docker:\/\/(.+)$/s.exec(name)?.[1];
  if (pulled === undefined) return [];
  const repository = pulled.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  const command = `podman pull ${digest === undefined ? pulled : `${repository}@${digest}`}`;
  return [["Pull", copyable(command, "command", command.replace(/(:[0-9a-f]{12})[0-9a-f]{20,}$/, "$1…"))]];
}

function formatSignatures(signatures: number): string {
  return signatures === 0 ? "none" : `${signatures} (not verified)`;
}

function describeSharing(instances: readonly InspectedInstance[]): string {
  const all = new Map<string, number>();
  let total = 0;
  const collect = ({ layers, instances = [] }: InspectedInstance): void => {
    for (const { digest, size } of layers) {
      total += Math.max(size, 0);
      all.set(digest, Math.max(size, 0));
    }
    instances.forEach(collect);
  };
  instances.forEach(collect);
  const stored = [...all.values()].reduce((sum, size) => sum + size, 0);
  return `${formatBytes(stored)} stored for ${formatBytes(total)} of layers`;
}

function findLargest(instances: readonly InspectedInstance[]): number {
  const sizes = instances.map(({ layers, instances = [] }) =>
    Math.max(layers.reduce((sum, { size }) => sum + Math.max(size, 0), 0), findLargest(instances))
  );
  return sizes.reduce((largest, size) => Math.max(largest, size), 0);
}

function createVerdict(found: ImageValidation | Error): HTMLElement[] {
  if (found instanceof Error) return [element("p", { class: "bad" }, "Cannot check: ", data(found.message))];
  const { problems, unchecked, images, blobs } = found;
  const checked = `${count(images, "image")} and ${count(blobs, "blob")} checked`;
  const summary = problems.length === 0
    ? element("p", { class: "good" }, `No problems: ${checked}`)
    : element("p", { class: "bad" }, `${count(problems.length, "problem")}: ${checked}`);
  return [summary, ...createProblems(problems, "problems"), ...createProblems(unchecked, "unchecked")];
}

/** Adds the problems of each instance to its cards. */
function markCards(view: HTMLElement, problems: readonly ImageProblem[]): void {
  for (const card of view.querySelectorAll<HTMLElement>(".card")) {
    const own = problems.filter(({ instance }) => instance === card.dataset.digest);
    if (own.length === 0) continue;
    card.querySelector("h3")!.after(
      element("ul", { class: "bad" }, own.map(({ problem }) => element("li", {}, data(problem)))),
    );
  }
}

function createProblems(problems: readonly ImageProblem[], kind: string): HTMLElement[] {
  if (problems.length === 0) return [];
  const items = problems.map(({ platform, instance, problem }) => {
    const where = [platform, instance && shortDigest(instance)].filter(Boolean).join(" ");
    return element("li", {}, where ? [data(where), ": "] : undefined, clean(problem));
  });
  return [element("ul", { class: kind }, items)];
}
