import type { CopyEvent, OutlinedImage } from "../../copy/room.ts";

/** Progress of one image of a copy. */
export interface ImageProgress {
  /** Platform of the image, or the first digits of its digest. */
  readonly label: string;
  /** Total size of the blobs whose sizes are known, in bytes. */
  readonly bytes: number;
  /** Bytes that have reached the destination. */
  readonly done: number;
  /** Whether a blob of the image is being transferred. */
  readonly active: boolean;
  /** Whether the manifest of the image is written. */
  readonly finished: boolean;
}

/** Progress of the whole copy. */
export interface TotalProgress {
  /** Number of images in the copy. */
  readonly images: number;
  /** Number of images whose manifests are written. */
  readonly finished: number;
  /** Total size of all blobs whose sizes are known, in bytes. */
  readonly bytes: number;
  /** Bytes that have reached the destination. */
  readonly done: number;
  /** Bytes of blobs that did not have to be transferred. */
  readonly saved: number;
  /** Bytes per second during the last three seconds. */
  readonly rate: number;
  /** Seconds since the start of the copy. */
  readonly seconds: number;
}

interface BlobState {
  size: number;
  moved: number;
  state: "waiting" | "moving" | "done";
}

/** Period over which the transfer rate is averaged, in milliseconds. */
const WINDOW = 3000;

/** State of a copy, collected from its events. */
export class ProgressState {
  readonly #now: () => number;
  readonly #start: number;
  readonly #blobs = new Map<string, BlobState>();
  readonly #finished = new Set<OutlinedImage>();
  #images: readonly OutlinedImage[] = [];
  #samples: { at: number; bytes: number }[] = [];
  #saved = 0;
  #topDone = false;
  /** Steps that were tried again, with the error that caused the retry. */
  retries: { step: string; attempt: number; error: unknown }[] = [];

  /** @param now Returns the time, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  /** Whether the images of the copy are known. */
  get planned(): boolean {
    return this.#images.length > 0;
  }

  /** Whether the top-level manifest is written, which ends the copy. */
  get complete(): boolean {
    return this.#topDone;
  }

  /** Updates the state with an event. */
  apply(event: CopyEvent): void {
    switch (event.type) {
      case "planned":
        this.#images = event.images;
        for (const { digest, size } of event.images.flatMap(({ blobs }) => blobs)) this.#blob(digest).size = size;
        break;
      case "blob-started":
        // A retry starts the blob from the beginning.
        Object.assign(this.#blob(event.digest), { size: event.size, moved: 0, state: "moving" });
        break;
      case "blob-progress":
        this.#blob(event.digest).moved += event.bytes;
        this.#sample(event.bytes);
        break;
      case "blob-done": {
        const blob = this.#blob(event.digest);
        if (event.outcome !== "written") this.#saved += Math.max(event.size, 0);
        Object.assign(blob, { size: event.size, moved: Math.max(event.size, blob.moved), state: "done" });
        break;
      }
      case "manifest-done":
        this.#finish(event);
        break;
      case "retrying":
        this.retries.push(event);
        break;
    }
  }

  /** Returns the progress of each image, in the order of the list. */
  images(): ImageProgress[] {
    return this.#images.map((image) => {
      const blobs = image.blobs.map(({ digest }) => this.#blob(digest));
      return {
        label: formatLabel(image),
        bytes: sum(blobs.map(({ size }) => size)),
        done: sum(blobs.map(({ moved, size }) => size < 0 ? 0 : Math.min(moved, size))),
        active: blobs.some(({ state }) => state === "moving"),
        finished: this.#finished.has(image),
      };
    });
  }

  /** Returns the progress of the whole copy. */
  total(): TotalProgress {
    const blobs = [...this.#blobs.values()];
    const seconds = (this.#now() - this.#start) / 1000;
    this.#forget();
    return {
      images: this.#images.length,
      finished: this.#finished.size,
      bytes: sum(blobs.map(({ size }) => size)),
      done: sum(blobs.map(({ moved, size }) => size < 0 ? 0 : Math.min(moved, size))),
      saved: this.#saved,
      rate: sum(this.#samples.map(({ bytes }) => bytes)) / Math.max(0.2, Math.min(seconds, WINDOW / 1000)),
      seconds,
    };
  }

  #finish({ source, top }: Extract<CopyEvent, { type: "manifest-done" }>): void {
    const image = this.#images.find((image) => image.digest === source && !this.#finished.has(image));
    if (image) this.#finished.add(image);
    this.#topDone ||= top;
  }

  #blob(digest: string): BlobState {
    let blob = this.#blobs.get(digest);
    if (!blob) this.#blobs.set(digest, blob = { size: 0, moved: 0, state: "waiting" });
    return blob;
  }

  #sample(bytes: number): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    // Chunks are small. Those within 100 ms become one sample, so that there are few.
    if (last && at - last.at < 100) last.bytes += bytes;
    else this.#samples.push({ at, bytes });
    this.#forget();
  }

  #forget(): void {
    const since = this.#now() - WINDOW;
    this.#samples = this.#samples.filter(({ at }) => at >= since);
  }
}

function formatLabel({ platform, digest, variant }: OutlinedImage): string {
  return (platform || digest.replace(/^\w+:/, "").slice(0, 12)) + (variant ? ` ${variant}` : "");
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + Math.max(b, 0), 0);
}
