/**
 * Where things lie in the flat arrays of the index. Apart from the code, so that bundlers put the numbers in its place.
 */

/** No entry, no number. */
export const NONE = -1

/** A party: 45 characters of its did, then, as the last integer, the number of its first grantee. */
export const PARTY_INTS = 16
/** The same in bytes. */
export const PARTY_BYTES = 64
/** Number of the first grantee to whom the party ever granted something. */
export const PARTY_GRANTEE = 15
/** What the dids of all signing keys begin with. */
export const DID_PREFIX = 'did:key:zQ3s'
/** Characters of that. */
export const DID_PREFIX_LENGTH = 12
/** Characters of a did. */
export const DID_LENGTH = 57

/** A slot of a party: number and hash. */
export const SLOT_INTS = 2

/** A pair: numbers of owner and grantee, first record, number of the owner's next grantee. */
export const PAIR_INTS = 4
/** The grantee. */
export const PAIR_GRANTEE = 1
/** The first record. */
export const PAIR_RECORD = 2
/** The next grantee. */
export const PAIR_NEXT = 3

/** A record: access window, data window and height as doubles, then two integers. */
export const RECORD_DOUBLES = 6
/** The same in integers. */
export const RECORD_INTS = 12
/** The data window, in doubles. */
export const RECORD_DATA = 2
/** The height, in doubles. */
export const RECORD_HEIGHT = 4
/** The next record of the pair, in integers. */
export const RECORD_NEXT = 10
/** The grantor's number, in integers. */
export const RECORD_GRANTOR = 11
