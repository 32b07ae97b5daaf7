// In this directory, because packages are looked for from where the asking file is.

/** Where a peer's entry is, as a URL to import. */
export const resolve = (name) => import.meta.resolve(name)
