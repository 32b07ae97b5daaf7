/**
 * Keeps values by number and hands them out in the order of those numbers.
 *
 * Kernels count pids upwards, so most insertions come in order anyway and a `Map` already is the sorted list. An insertion
 * that comes out of order is only noted; the next reading sorts once. Inserting and deleting are O(1), a first reading
 * after a change is O(n), O(n log n) when it has to sort, and a further one is O(1).
 */
export class PidMap<T> {
  /** None while there is nothing to hold: most processes of a large family have neither children nor threads. */
  #entries: Map<number, T> | null = null
  #inOrder = true
  /** The highest number inserted since the map was last empty or sorted; 0 means none. */
  #highest = 0
  /** The answer to the last reading, until something changes. */
  #values: readonly T[] | null = null

  get size(): number {
    return this.#entries?.size ?? 0
  }

  get(pid: number): T | undefined {
    return this.#entries?.get(pid)
  }

  has(pid: number): boolean {
    return this.#entries?.has(pid) ?? false
  }

  set(pid: number, value: T): void {
    if (pid < this.#highest) this.#inOrder = false
    else this.#highest = pid
    this.#entries ??= new Map()
    this.#entries.set(pid, value)
    this.#values = null
  }

  delete(pid: number): void {
    this.#entries?.delete(pid)
    this.#values = null
    if (this.#entries?.size === 0) this.clear()
  }

  clear(): void {
    this.#entries = null
    this.#inOrder = true
    this.#highest = 0
    this.#values = null
  }

  /** Visits every value in no particular order, which is what spares the sorting. The visitor must not change the map. */
  forEach(visit: (value: T) => void): void {
    for (const value of this.#entries?.values() ?? []) visit(value)
  }

  /** The values in the order of their numbers: frozen, and the same array until something changes. */
  values(): readonly T[] {
    if (this.#values !== null) return this.#values
    if (!this.#inOrder) this.#sort()
    this.#values = Object.freeze([...(this.#entries?.values() ?? [])])
    return this.#values
  }

  #sort(): void {
    const entries = [...(this.#entries ?? [])].toSorted(([a], [b]) => a - b)
    this.#entries = new Map(entries)
    this.#highest = entries.at(-1)?.[0] ?? 0
    this.#inOrder = true
  }
}
