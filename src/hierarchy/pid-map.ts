/**
 * Keeps values by number and hands them out in the order of those numbers.
 *
 * Kernels count pids upwards, so most insertions come in order anyway, and most maps are small or read as a whole. So it
 * begins as a list that is only appended to, and becomes a `Map` with the first look-up, deletion or insertion that comes out
 * of order. A `Map` filled in order already is the sorted list; otherwise the next reading sorts once. Inserting and
 * deleting are O(1), a first reading after a change is O(n), O(n log n) when it has to sort, and a further one is O(1).
 */
export class PidMap<T> {
  /** The numbers and, beside them, the values, as long as nothing else was done than to append. */
  #numbers: number[] | null = null
  #list: T[] | null = null
  /** From then on. None while there is nothing to hold: most processes of a large family have neither children nor threads. */
  #entries: Map<number, T> | null = null
  #inOrder = true
  /** The highest number inserted since the map was last empty or sorted; -1 means none: 0 is a number that a group can have. */
  #highest = -1
  /** The answer to the last reading, until something changes. */
  #values: readonly T[] | null = null

  get size(): number {
    return this.#list?.length ?? this.#entries?.size ?? 0
  }

  get(pid: number): T | undefined {
    return this.#indexed()?.get(pid)
  }

  has(pid: number): boolean {
    return this.#indexed()?.has(pid) ?? false
  }

  set(pid: number, value: T): void {
    this.#values = null
    if (pid > this.#highest && this.#entries === null) {
      this.#highest = pid
      if (this.#list === null || this.#numbers === null) {
        this.#numbers = [pid]
        this.#list = [value]
      } else {
        this.#numbers.push(pid)
        this.#list.push(value)
      }
      return
    }
    if (pid < this.#highest) this.#inOrder = false
    else this.#highest = pid
    this.#indexed()?.set(pid, value)
  }

  delete(pid: number): void {
    const entries = this.#indexed()
    entries?.delete(pid)
    this.#values = null
    if (entries?.size === 0) this.clear()
  }

  clear(): void {
    this.#numbers = null
    this.#list = null
    this.#entries = null
    this.#inOrder = true
    this.#highest = -1
    this.#values = null
  }

  /** Visits every value in no particular order, which is what spares the sorting. The visitor must not change the map. */
  forEach(visit: (value: T) => void): void {
    for (const value of this.#list ?? this.#entries?.values() ?? []) visit(value)
  }

  /** The values in the order of their numbers: frozen, and the same array until something changes. */
  values(): readonly T[] {
    if (this.#values !== null) return this.#values
    if (!this.#inOrder) this.#sort()
    this.#values = Object.freeze([...(this.#list ?? this.#entries?.values() ?? [])])
    return this.#values
  }

  /** The map for looking up; `null` while there is nothing in it. */
  #indexed(): Map<number, T> | null {
    const [numbers, list] = [this.#numbers, this.#list]
    if (numbers !== null && list !== null) {
      this.#entries = new Map()
      for (let index = 0; index < list.length; index += 1) this.#entries.set(numbers[index]!, list[index]!)
      this.#numbers = null
      this.#list = null
    }
    return this.#entries
  }

  #sort(): void {
    const entries = [...(this.#entries ?? [])].toSorted(([a], [b]) => a - b)
    this.#entries = new Map(entries)
    this.#highest = entries.at(-1)?.[0] ?? -1
    this.#inOrder = true
  }
}
