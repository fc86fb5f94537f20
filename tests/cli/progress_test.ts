import assert from "node:assert/strict";
import { drawBars } from "../../src/cli/progress/bars.ts";
import { EventLines } from "../../src/cli/progress/events.ts";
import { formatRetry, showRetriesIn, showRetry } from "../../src/cli/retries.ts";
import { ProgressState } from "../../src/cli/progress/state.ts";
import { TerminalProgress } from "../../src/cli/progress/terminal.ts";
import { createStyle } from "../../src/cli/format/style.ts";
import { formatTable } from "../../src/cli/format/table.ts";
import { formatTree } from "../../src/cli/format/tree.ts";
import { formatBytes, formatSeconds } from "../../src/cli/format/units.ts";
import { fit, measureWidth, sanitize, stripStyle } from "../../src/cli/format/width.ts";
import type { CopyEvent } from "../../src/copy/room.ts";
import { type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";

const digest = (name: string): Digest => digestOf(new TextEncoder().encode(name));
const PLAIN = createStyle({ isTerminal: false, env: () => undefined });

/** Creates the plan of a copy of images with a layer of 1 MB each and a shared layer. */
function planned(platforms: string[]): CopyEvent {
  const shared = { digest: digest("shared"), size: 500_000 };
  return {
    type: "planned",
    instances: platforms.length,
    blobs: platforms.length + 1,
    bytes: platforms.length * 1_000_000 + 500_000,
    images: platforms.map((platform) => ({
      digest: digest(platform),
      platform,
      mediaType: MEDIA_TYPES.ociManifest,
      converted: false,
      isReferrer: false,
      blobs: [{ digest: digest(`layer ${platform}`), size: 1_000_000 }, shared],
    })),
  };
}

const started = (name: string, size: number): CopyEvent => ({ type: "blob-started", digest: digest(name), size });
const moved = (name: string, bytes: number): CopyEvent => ({ type: "blob-progress", digest: digest(name), bytes });
const done = (name: string, size: number, outcome: "written" | "reused" = "written"): CopyEvent => (
  { type: "blob-done", digest: digest(name), size, outcome, destination: digest(name) }
);
const written = (platform: string): CopyEvent => (
  { type: "manifest-done", digest: digest(`as written ${platform}`), source: digest(platform), top: false }
);

Deno.test("progress counts shared layers once, and restarts a layer that is retried", () => {
  let now = 0;
  const state = new ProgressState(() => now);
  assert.equal(state.planned, false);
  for (const event of [planned(["linux/amd64", "linux/arm64"]), started("layer linux/amd64", 1_000_000)]) {
    state.apply(event);
  }
  state.apply(moved("layer linux/amd64", 400_000));
  now = 2000;
  state.apply(done("shared", 500_000, "reused"));
  assert.deepEqual(state.images().map(({ done, bytes, active }) => [done, bytes, active]), [
    [900_000, 1_500_000, true],
    [500_000, 1_500_000, false],
  ]);
  const { bytes, done: all, saved, rate, seconds } = state.total();
  assert.deepEqual([bytes, all, saved, rate, seconds], [2_500_000, 900_000, 500_000, 200_000, 2]);
  state.apply({
    type: "retrying",
    step: "copying blob",
    attempt: 1,
    maxRetries: 3,
    delay: 1000,
    error: new Error("reset"),
  });
  state.apply(started("layer linux/amd64", 1_000_000));
  assert.equal(state.images()[0]!.done, 500_000);
  assert.equal(state.retries.length, 1);
  state.apply(done("layer linux/amd64", 1_000_000));
  state.apply(written("linux/amd64"));
  assert.deepEqual(state.images().map(({ finished }) => finished), [true, false]);
  now = 9000;
  assert.equal(state.total().rate, 0, "bytes that moved long ago do not contribute to the rate");
  assert.equal(state.complete, false);
  state.apply({ type: "manifest-done", digest: digest("list"), top: true });
  assert.equal(state.complete, true);
});

Deno.test("bars fit terminals of all sizes, with platform names of all lengths", () => {
  const many = Array.from({ length: 30 }, (_, i) => `linux/arm/v${i}`);
  const odd = ["linux/日本語版", "linux/amd64", "windows/amd64-with-a-name-that-is-much-too-long", "a\x1b[2Jb"];
  for (const platforms of [["linux/amd64"], many, odd]) {
    let now = 0;
    const state = new ProgressState(() => now);
    state.apply(planned(platforms));
    state.apply(started(`layer ${platforms.at(-1)}`, 1_000_000));
    now = 65_000;
    state.apply(moved(`layer ${platforms.at(-1)}`, 600_000));
    for (const columns of [10, 20, 40, 80, 200]) {
      for (const rows of [4, 24, 60]) {
        const lines = drawBars(state, { columns, rows, style: PLAIN });
        const where = `${platforms.length} images, ${columns}×${rows}: ${lines.join("\n")}`;
        assert.ok(lines.every((line) => measureWidth(line) < columns), where);
        assert.ok(lines.length < rows, where);
        assert.ok(!lines.join("").includes("\x1b"), where);
        // Active images are visible however many images there are.
        if (columns >= 80) assert.ok(lines.some((line) => line.includes(" 40%")), where);
      }
    }
  }
});

Deno.test("bars at 80 columns", () => {
  let now = 0;
  const state = new ProgressState(() => now);
  state.apply(planned(["linux/amd64", "linux/arm64/v8", "linux/s390x"]));
  state.apply(done("layer linux/amd64", 1_000_000));
  state.apply(done("shared", 500_000, "reused"));
  state.apply(written("linux/amd64"));
  state.apply(started("layer linux/arm64/v8", 1_000_000));
  state.apply(moved("layer linux/arm64/v8", 250_000));
  now = 1000;
  assert.deepEqual(
    drawBars(state, { columns: 80, rows: 24, style: PLAIN }),
    [
      "✓ linux/amd64    [███████████████████████████████████] 100%     1.5 MB / 1.5 MB",
      "  linux/arm64/v8 [██████████████████·················]  50%     750 kB / 1.5 MB",
      "  linux/s390x    [████████████·······················]  33%     500 kB / 1.5 MB",
      "1/3 images  1.8 MB / 3.5 MB  250 kB/s  0:01  500 kB unchanged",
    ].map((line) => line),
  );
  assert.deepEqual(drawBars(state, { columns: 80, rows: 5, style: PLAIN }).map((line) => line.slice(0, 16)), [
    "  linux/arm64/v8",
    "… 2 more images",
    "1/3 images  1.8 ",
  ]);
});

/** Creates a terminal that records its output. */
function fakeTerminal(columns: number) {
  const written: string[] = [];
  let now = 0;
  return {
    written,
    size: { columns, rows: 24 },
    tick: (milliseconds: number) => void (now += milliseconds),
    terminal() {
      const { size, written } = this;
      return { size: () => size, write: (text: string) => void written.push(text), env: () => "1", now: () => now };
    },
  };
}

Deno.test("bars are redrawn in place, also after the window became narrower, and stay at the end", () => {
  const fake = fakeTerminal(80);
  const platforms = ["linux/amd64", "linux/arm64"];
  {
    using progress = new TerminalProgress(fake.terminal());
    progress.draw();
    assert.equal(fake.written.length, 0, "nothing is drawn before the plan is known");
    progress.onProgress(planned(platforms));
    progress.draw();
    progress.draw();
    assert.ok(fake.written[1]!.startsWith("\x1b[3A\r\x1b[J"), "two bars and a line");
    fake.size.columns = 40;
    progress.draw();
    assert.ok(fake.written[2]!.startsWith("\x1b[5A\r\x1b[J"), "each bar had been wrapped");
    // After a failure, the last bars stay on the terminal.
  }
  assert.equal(fake.written.length, 4);
  assert.ok(fake.written.at(-1)!.endsWith("\n"));
});

Deno.test("a retry is a line above the bars, in whole seconds", () => {
  const event = (attempt: number, delay: number) => ({
    step: "copying blob\x1b[2J",
    attempt,
    maxRetries: 3,
    delay,
    error: new Error("connection refused"),
  });
  const lines = [[1, 0], [1, 480], [1, 1_000], [2, 2_190], [3, 4_390]].map(([n, delay]) =>
    formatRetry(event(n!, delay!))
  );
  const waits = ["0 s (1/3)", "0.5 s (1/3)", "1 s (1/3)", "2 s (2/3)", "4 s (3/3)"];
  const text = "Warning: copying blob\ufffd[2J: connection refused, retrying in ";
  assert.deepEqual(lines, waits.map((wait) => text + wait));
  const fake = fakeTerminal(80);
  using progress = new TerminalProgress(fake.terminal());
  progress.onProgress({ type: "retrying", ...event(1, 1_000) });
  progress.onProgress(planned(["linux/amd64"]));
  progress.draw();
  progress.onProgress({ type: "retrying", ...event(2, 2_000) });
  const [first, bars, second] = fake.written;
  assert.equal(first, `${lines[2]}\n`);
  assert.ok(!bars!.includes("\x1b[2A"), "the line stays");
  assert.ok(second!.startsWith(`\x1b[2A\r\x1b[J${text}2 s (2/3)\n`));
});

Deno.test("retries are shown in the open view, or else on stderr", () => {
  const event = { step: "s", attempt: 1, maxRetries: 3, delay: 1_000, error: new Error("x") };
  const seen: unknown[] = [];
  {
    using _view = showRetriesIn((retry) => void seen.push(retry));
    showRetry(event);
  }
  assert.deepEqual(seen, [event]);
});

Deno.test("events are written as lines of JSON, with frequent steps combined", () => {
  const lines: string[] = [];
  let now = Date.parse("2026-01-02T03:04:05Z");
  const { onProgress } = new EventLines({ write: (text) => void lines.push(text), now: () => now });
  onProgress(started("x", 300));
  for (let i = 0; i < 3; i++) onProgress(moved("x", 50));
  now += 150;
  onProgress(moved("x", 50));
  onProgress(moved("x", 100));
  onProgress(done("x", 300));
  onProgress({
    type: "retrying",
    step: "s",
    attempt: 1,
    maxRetries: 3,
    delay: 1_000,
    error: Object.assign(new Error("reset"), { code: "NETWORK" }),
  });
  const values = lines.map((line) => JSON.parse(line));
  assert.ok(lines.every((line) => line.endsWith("\n")));
  assert.deepEqual(values.map(({ type, bytes }) => [type, bytes]), [
    ["blob-started", undefined],
    ["blob-progress", 200],
    ["blob-progress", 100],
    ["blob-done", undefined],
    ["retrying", undefined],
  ]);
  assert.equal(values[0].time, "2026-01-02T03:04:05.000Z");
  assert.deepEqual(values[4].error, { code: "NETWORK", message: "reset" });
});

Deno.test("only terminals get colors, and NO_COLOR turns them off", () => {
  const rows: [boolean, Record<string, string>, boolean][] = [
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [true, { TERM: "dumb" }, false],
  ];
  for (const [isTerminal, env, coloured] of rows) {
    const style = createStyle({ isTerminal, env: (name) => env[name] });
    assert.equal(style.good("x") !== "x", coloured);
    assert.equal(stripStyle(style.bold("x")), "x");
  }
});

Deno.test("fit() and measureWidth() count columns of wide and combining characters", () => {
  const widths: [string, number][] = [["abc", 3], ["日本", 4], ["e\u0301", 1], ["🚀", 2], ["\x1b[31mred\x1b[0m", 3]];
  for (const [text, width] of widths) assert.equal(measureWidth(text), width, text);
  const fits: [string, number, string][] = [["abc", 5, "abc  "], ["abcdef", 4, "abc…"], ["日本語", 4, "日… "], [
    "x",
    0,
    "",
  ]];
  for (const [text, columns, expected] of fits) assert.equal(fit(text, columns), expected);
  assert.equal(sanitize("a\x1b[2J\u202eb"), "a\ufffd[2J\ufffdb");
  assert.deepEqual(formatTable(["A", "B"], [["日本", "x"], ["a\x07", "y"]]), ["A     B", "日本  x", "a\ufffd    y"]);
  assert.deepEqual(
    formatTree({ text: "a", children: [{ text: "b", children: [{ text: "c" }] }, { text: "d" }] }),
    ["a", "├─ b", "│  └─ c", "└─ d"],
  );
});

Deno.test("bytes and durations are formatted with units", () => {
  const bytes: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [999_600, "1.0 MB"],
    [
      123_456_789,
      "123 MB",
    ],
    [5e15, "5000 TB"],
    [-1, "?"],
  ];
  for (const [value, text] of bytes) assert.equal(formatBytes(value), text);
  assert.deepEqual([7, 62, 3723].map(formatSeconds), ["0:07", "1:02", "1:02:03"]);
});
