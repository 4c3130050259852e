/**
 * Where things lie in the flat arrays of the index. Apart from the code, so that bundlers put the numbers in its place.
 */

/** No entry, no number. */
export const NONE = -1

/** Integers of a party: the text, its number, and some to spare, to make 64 bytes, a cache line. */
export const PARTY_INTS = 16
/** Integers of the text. */
export const TEXT_INTS = 12
/** The party's number. */
export const PARTY_NUMBER = 12

/** What the dids of all signing keys begin with. */
export const DID_PREFIX = 'did:key:zQ3s'
/** Characters of that. */
export const DID_PREFIX_LENGTH = 12
/** Characters of a did. */
export const DID_LENGTH = 57

/** Integers of a pair: numbers of owner and grantee, first record, number of the owner's next grantee. */
export const PAIR_INTS = 4
/** The grantee. */
export const PAIR_GRANTEE = 1
/** The first record. */
export const PAIR_RECORD = 2
/** The next grantee. */
export const PAIR_NEXT = 3

/** Doubles of a record: access window, data window, height, and one for two integers. */
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
