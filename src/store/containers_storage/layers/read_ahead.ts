/** Passes items on and lets the next one come already while its reader is busy with the one before. */
export async function* readAhead<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  const start = () => {
    const next = items.next();
    // Whoever leaves early never looks at it.
    next.catch(() => {});
    return next;
  };
  try {
    for (let next = start();;) {
      const { done, value } = await next;
      if (done) return;
      next = start();
      yield value;
    }
  } finally {
    await items.return();
  }
}
