/** Lists that are long, endless, malformed, or rejected. */
import assert from "node:assert/strict";
import { type Fetch, RegistryClient } from "../../src/registry/room.ts";

const json = (value: unknown, headers: HeadersInit = {}) =>
  Promise.resolve(new Response(JSON.stringify(value), { headers }));

/** A repository whose tag list is answered page by page. */
function scripted(page: (url: URL) => Promise<Response>) {
  let requests = 0;
  const fetch: Fetch = (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/v2/") return Promise.resolve(new Response(""));
    requests++;
    return page(url);
  };
  const client = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 0 } });
  return { client, repository: client.repository("app"), requests: () => requests };
}

const name = (i: number) => `tag-${`${i}`.padStart(8, "0")}`;

/** Returns pages of `count` tags, with or without `Link` headers. */
function numbered(count: number, links: boolean) {
  return (url: URL) => {
    const n = Number(url.searchParams.get("n"));
    const last = url.searchParams.get("last");
    const start = last === null ? 0 : Number(last.slice(4)) + 1;
    const tags = Array.from({ length: Math.min(n, count - start) }, (_, i) => name(start + i));
    const more = start + tags.length < count;
    return json({ tags }, links && more ? { link: `<${url.pathname}?n=${n}&last=${tags.at(-1)}>; rel="next"` } : {});
  };
}

for (const links of [true, false]) {
  Deno.test(`10,000 tags come page by page, asked for as they are wanted, ${links ? "by Link" : "by last"}`, async () => {
    const { repository, requests } = scripted(numbered(10_000, links));
    let count = 0;
    for await (const tag of repository.listTags()) {
      assert.equal(tag, name(count));
      // A page is requested only when its names are read, so none waits in memory.
      assert.equal(requests(), Math.floor(count / 1000) + 1, `${count}`);
      count++;
    }
    assert.equal(count, 10_000);
    assert.equal(requests(), links ? 10 : 11);
  });
}

Deno.test("no page is requested after the caller has stopped reading", async () => {
  const { repository, requests } = scripted(numbered(10_000, true));
  for await (const _ of repository.listTags({ pageSize: 10 })) break;
  assert.equal(requests(), 1);
});

const odd: [name: string, page: (url: URL) => Promise<Response>, expected: string[] | { code: string }][] = [
  ["no tags", () => json({ tags: [] }), []],
  ["tags that are null", () => json({ name: "app", tags: null }), []],
  ["an unknown repository", () => Promise.resolve(new Response("", { status: 404 })), []],
  ["digests, empty names and null among tags", () => json({ tags: ["a", null, "", "sha256:abc", 3, "b"] }), ["a", "b"]],
  ["a page that leads to itself", (url) => json({ tags: ["a"] }, { link: `<${url.href}>; rel="next"` }), ["a"]],
  ["a cycle", (url) =>
    json({ tags: [url.searchParams.get("p") ?? "0"] }, {
      link: `<?p=${url.searchParams.get("p") === "1" ? 2 : 1}>; rel=next`,
    }), ["0", "1", "2"]],
  ["empty pages between", (url) => {
    const p = Number(url.searchParams.get("p") ?? 0);
    return json({ tags: p % 2 ? [] : [`t${p}`] }, p < 4 ? { link: `<?p=${p + 1}>; rel="next"` } : {});
  }, ["t0", "t2", "t4"]],
  [
    "another host",
    (url) => json({ tags: [url.host] }, { link: '<https://evil.example/v2/app/tags/list?n=1000>; rel="next"' }),
    [
      "r.example",
    ],
  ],
  ["several links", (url) =>
    json(
      { tags: [url.searchParams.get("p") ?? "0"] },
      url.searchParams.has("p") ? {} : {
        link: '<?p=9>; rel="prev", <?p=1>; rel="next"',
      },
    ), ["0", "1"]],
  // Nexus: the registry sees another path than the client, even if one port serves several of its repositories.
  ...["/repository/hosted/v2/app/tags/list", "/repository/app/v2/tags/list", "https://inner:8081/repository/x/v2/app/"]
    .map(
      (
        path,
      ): [string, (url: URL) => Promise<Response>, string[]] => [
        `a path behind a proxy, ${path}`,
        (url) =>
          url.pathname !== "/v2/app/tags/list"
            ? Promise.resolve(new Response("", { status: 404 }))
            : url.searchParams.get("last") === "a"
            ? json({ tags: ["b"] })
            : json({ tags: ["a"] }, { link: `<${path}?n=1000&last=a>; rel="next"` }),
        ["a", "b"],
      ],
    ),
  [
    "a path of the registry's own",
    (url) =>
      url.pathname === "/v2/app/tags/page"
        ? json({ tags: ["b"] })
        : json({ tags: ["a"] }, { link: '</v2/app/tags/page?p=1>; rel="next"' }),
    ["a", "b"],
  ],
  [
    "endless pages with nothing new",
    (url) => json({ tags: ["a"] }, { link: `<?p=${Number(url.searchParams.get("p")) + 1}>; rel="next"` }),
    { code: "LIMIT_EXCEEDED" },
  ],
  ["not JSON", () => Promise.resolve(new Response("<html>")), { code: "REGISTRY_ERROR" }],
  [
    "a page without an end",
    () => Promise.resolve(new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1 << 20)) }))),
    {
      code: "LIMIT_EXCEEDED",
    },
  ],
  [
    "an error on the second page",
    (url) =>
      url.searchParams.has("p")
        ? Promise.resolve(new Response("", { status: 500 }))
        : json({ tags: ["a"] }, { link: '<?p=1>; rel="next"' }),
    { code: "REGISTRY_ERROR" },
  ],
];

for (const [title, page, expected] of odd) {
  Deno.test(`a list of tags: ${title}`, async () => {
    const listing = Array.fromAsync(scripted(page).repository.listTags());
    if (Array.isArray(expected)) assert.deepEqual(await listing, expected);
    else await assert.rejects(listing, expected);
  });
}

Deno.test("an endless list fails at a limit", async () => {
  let i = 0;
  const { repository } = scripted(() => json({ tags: [`t${i++}`] }, { link: `<?p=${i}>; rel="next"` }));
  await assert.rejects(Array.fromAsync(repository.listTags()), { code: "LIMIT_EXCEEDED" });
  assert.equal(i, 10_000);
});

Deno.test("a list whose pages have no new names fails at a limit", async () => {
  let i = 0;
  const { repository } = scripted(() => json({ tags: ["same"] }, { link: `<?p=${++i}>; rel="next"` }));
  await assert.rejects(Array.fromAsync(repository.listTags()), { code: "LIMIT_EXCEEDED" });
  assert.equal(i, 102);
});

Deno.test("a rejected catalog request is an error", async () => {
  for (const [status, code] of [[404, "NOT_FOUND"], [405, "REGISTRY_ERROR"], [403, "DENIED"]] as const) {
    const { client } = scripted(() => Promise.resolve(new Response("", { status })));
    await assert.rejects(Array.fromAsync(client.listRepositories()), { code });
  }
});

Deno.test("a page size is a positive integer", async () => {
  const { repository } = scripted(numbered(1, true));
  for (const pageSize of [0, -1, 1.5, NaN]) {
    await assert.rejects(Array.fromAsync(repository.listTags({ pageSize })), RangeError);
  }
});
