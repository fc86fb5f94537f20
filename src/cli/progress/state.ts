import type { CopyEvent, OutlinedImage } from "../../copy/room.ts";

/** How far an image is. */
export interface ImageProgress {
  /** Its platform, or the beginning of its digest. */
  readonly label: string;
  /** Bytes of all its blobs, as far as sizes are known. */
  readonly bytes: number;
  /** How many of them are at the destination. */
  readonly done: number;
  /** Whether something of it is moving. */
  readonly active: boolean;
  /** Whether its manifest is written. */
  readonly finished: boolean;
}

/** How far everything is. */
export interface TotalProgress {
  readonly images: number;
  readonly finished: number;
  readonly bytes: number;
  readonly done: number;
  /** Bytes that did not have to move. */
  readonly saved: number;
  /** Bytes per second, lately. */
  readonly rate: number;
  /** Since the beginning, in seconds. */
  readonly seconds: number;
}

interface BlobState {
  size: number;
  moved: number;
  state: "waiting" | "moving" | "done";
}

/** The rate is that of the last seconds. */
const WINDOW = 3000;

/** What is known of a copy, from its events. */
export class ProgressState {
  readonly #now: () => number;
  readonly #start: number;
  readonly #blobs = new Map<string, BlobState>();
  readonly #finished = new Set<OutlinedImage>();
  #images: readonly OutlinedImage[] = [];
  #samples: { at: number; bytes: number }[] = [];
  #saved = 0;
  #topDone = false;
  /** What is tried again, and why. */
  retries: { step: string; attempt: number; error: unknown }[] = [];

  /** @param now Milliseconds of a clock. */
  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  /** Whether the plan is known. */
  get planned(): boolean {
    return this.#images.length > 0;
  }

  /** Whether all is written. */
  get complete(): boolean {
    return this.#topDone;
  }

  /** Takes an event. */
  apply(event: CopyEvent): void {
    switch (event.type) {
      case "planned":
        this.#images = event.images;
        for (const { digest, size } of event.images.flatMap(({ blobs }) => blobs)) this.#blob(digest).size = size;
        break;
      case "blob-started":
        // Once more from the beginning, where it is tried again.
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

  /** The images, in the order of the list. */
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

  /** All of it. */
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
    // Chunks are small and many: what comes at the same time is one sample.
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
