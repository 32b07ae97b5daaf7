/*
 * Those of Node's modules that are not imported by a statement: that makes an object of all their exports and looks at each,
 * whereupon they load the streams, the decoders and what else they load no sooner than it is asked for. It was a third of the
 * time that brood took to import.
 */
export const buffer = process.getBuiltinModule('node:buffer')
export const fs = process.getBuiltinModule('node:fs')
export const module = process.getBuiltinModule('node:module')
export const util = process.getBuiltinModule('node:util')
