/** The errors of stores on disk: what is wrong, where, and what to do. */

import { VitalsealError } from '../errors.ts'

/** Returns the error of damage that is not at the tail. */
export function corrupt(where: string, cause?: unknown): VitalsealError<'ERR_NODE_STORE_CORRUPT'> {
  const message = `${where} is damaged: keep the directory for inquiry and start with another one as after the loss of a disk`
  return new VitalsealError('ERR_NODE_STORE_CORRUPT', message, { details: { where }, cause })
}

/** Returns the error of a directory that is another's. */
export function foreign(expected: string, found: string): VitalsealError<'ERR_NODE_STORE_FOREIGN'> {
  const message = `the directory is not this one's: expected ${expected}, found ${found}`
  return new VitalsealError('ERR_NODE_STORE_FOREIGN', message, { details: { expected, found } })
}

/** Returns the error of a directory that is empty or full against what was said. */
export function initialiseFailure(directory: string, isNew: boolean): VitalsealError<'ERR_NODE_INITIALISE'> {
  const message = isNew
    ? `${directory} holds nothing of this member: say initialise true if it has never voted, 'lost-disk' if it has`
    : `${directory} was initialised before: leave initialise out, so that a disk that is lost one day is noticed`
  return new VitalsealError('ERR_NODE_INITIALISE', message, { details: { directory } })
}
