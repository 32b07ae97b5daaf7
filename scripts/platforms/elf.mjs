// What the dynamic linker will want of a shared object: read from the file itself, so that no other tool is needed and a
// binary of any architecture can be looked at anywhere. 64 bits, little endian: all that brood is built for.
// The format: elf(5) and the gABI; version needs: the symbol versioning chapter of the LSB.

const MACHINE = { 62: 'x64', 183: 'arm64' }
const PT_LOAD = 1
const PT_DYNAMIC = 2
const TAG = { needed: 1n, strtab: 5n, rpath: 15n, runpath: 29n, verneed: 0x6ffffffen, verneedCount: 0x6fffffffn }
/** Of a version: whoever lacks it may load the object all the same. */
const VER_FLG_WEAK = 2

/**
 * Reads a shared object.
 *
 * @param {Buffer} bytes the file
 * @returns {{ arch: string, needed: string[], searches: string[], versions: { library: string, version: string, weak: boolean }[] }}
 *   the architecture, the libraries by name, the directories that it wants searched, the versions of symbols it wants
 * @throws if it is no 64-bit little-endian ELF file
 */
export const readElf = (bytes) => {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) throw new Error('not an ELF file')
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new Error('not 64 bits and little endian')
  const machine = bytes.readUInt16LE(18)

  const segments = []
  const start = Number(bytes.readBigUInt64LE(32))
  for (let index = 0; index < bytes.readUInt16LE(56); index++) {
    const at = start + index * bytes.readUInt16LE(54)
    const [offset, address, , size] = [8, 16, 24, 32].map((field) => Number(bytes.readBigUInt64LE(at + field)))
    segments.push({ type: bytes.readUInt32LE(at), offset, address, size })
  }
  /** Where in the file lies what will lie at this address. */
  const place = (address) => {
    const segment = segments.find(
      ({ type, address: first, size }) => type === PT_LOAD && address >= first && address < first + size,
    )
    if (segment === undefined) throw new Error(`nothing is loaded at 0x${address.toString(16)}`)
    return segment.offset + address - segment.address
  }

  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) throw new Error('not dynamically linked')
  const tags = []
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    tags.push({ tag: bytes.readBigInt64LE(at), value: Number(bytes.readBigUInt64LE(at + 8)) })
  }
  const all = (wanted) => tags.filter(({ tag }) => tag === wanted).map(({ value }) => value)
  const strings = place(all(TAG.strtab)[0])
  const string = (offset) => {
    const from = strings + offset
    return bytes.toString('latin1', from, bytes.indexOf(0, from))
  }

  // A list of libraries, each with a list of versions; every entry says how many bytes on the next one is.
  const versions = []
  const [verneed] = all(TAG.verneed)
  const [count = 0] = all(TAG.verneedCount)
  let at = verneed === undefined ? 0 : place(verneed)
  for (let index = 0; index < count; index++) {
    const library = string(bytes.readUInt32LE(at + 4))
    let entry = at + bytes.readUInt32LE(at + 8)
    for (let left = bytes.readUInt16LE(at + 2); left > 0; left--) {
      const weak = (bytes.readUInt16LE(entry + 4) & VER_FLG_WEAK) !== 0
      versions.push({ library, version: string(bytes.readUInt32LE(entry + 8)), weak })
      entry += bytes.readUInt32LE(entry + 12)
    }
    at += bytes.readUInt32LE(at + 12)
  }

  return {
    arch: MACHINE[machine] ?? `machine ${machine}`,
    needed: all(TAG.needed).map(string),
    searches: [...all(TAG.rpath), ...all(TAG.runpath)].map(string),
    versions,
  }
}
