import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type Bytes,
  type ChainId,
  createLabeler,
  createSigner,
  createVerifier,
  type DataType,
  type Did,
  type Digest32,
  type GrantId,
  isLabel,
  type Label,
  parseDid,
  parseId,
  parseRecordId,
  randomBytes,
  type RandomSource,
  type RecordId,
  sha256,
  type Signature,
  type Signer,
  taggedHash,
  TAGS,
  toDigest,
  type TransactionId,
  unwrap,
  type Verified,
  type Verifier,
} from 'vitalseal/primitives'

declare const bytes: Uint8Array
declare const text: string

// Arguments take any byte array, results go to Web Crypto without a cast.
expectType<Bytes>(randomBytes(32))
expectAssignable<Uint8Array<ArrayBuffer>>(taggedHash(TAGS.transaction, bytes))
expectType<Digest32>(sha256(bytes))

// Names are made by parsing, never by writing a string, and one kind of name is not another.
expectType<Did>(unwrap(parseDid(text)))
expectNotAssignable<Did>('did:key:zQ3sh')
expectAssignable<string>(unwrap(parseDid(text)))
expectType<TransactionId>(unwrap(parseId('transaction', text)))
expectType<ChainId>(unwrap(parseId('chain', text)))
expectNotAssignable<GrantId>(unwrap(parseId('transaction', text)))
expectNotAssignable<RecordId>(unwrap(parseId('grant', text)))
expectType<RecordId>(unwrap(parseRecordId(text)))
expectType<Digest32>(toDigest(unwrap(parseId('grant', text))))
expectError(parseId('block', text))
expectError(toDigest(text))
expectError(unwrap(parseDid(bytes)))

// A type of data is `system|code`; a label on the ledger is another thing, and neither is any string.
expectAssignable<DataType>('http://loinc.org|8867-4')
expectNotAssignable<DataType>('8867-4')
expectNotAssignable<Label>('00000000000000000000000000000000')
expectNotAssignable<DataType>({} as Label)
if (isLabel(text)) expectType<string & Label>(text)
expectError(createLabeler({ labelKey: text }))

// A digest, a signature and a public key are not interchangeable, though all are bytes.
declare const digest: Digest32
declare const signature: Signature
expectNotAssignable<Digest32>(bytes)
expectNotAssignable<Signature>(digest)
expectNotAssignable<Digest32>(signature)

// A signer is asked to sign fields under a tag of the table, never a bare digest or a made-up tag.
const signer = createSigner(randomBytes(32))
expectAssignable<Signer>(signer)
expectType<Signature>(signer.sign(TAGS.transaction, [bytes, 1, text]))
expectError(signer.sign(digest))
expectError(signer.sign('vitalseal/made/up/v1', [bytes]))
expectError(signer.secretKey)
expectError(taggedHash(text, bytes))

// Verifying names its arguments; a foreign verifier fits by shape.
const verifier: Verifier = createVerifier()
expectType<boolean>(verifier.verify({ signer: signer.did, digest, signature }))
expectError(verifier.verify({ signer: signer.did, digest: signature, signature: digest }))
expectError(verifier.verify({ signer: text, digest, signature }))
expectAssignable<Verifier>({ verify: () => true })

// Randomness is a port by shape.
expectAssignable<RandomSource>((byteCount: number) => new Uint8Array(byteCount))
expectNotAssignable<RandomSource>(() => 'abc')

// Only this library marks a value as verified.
expectNotAssignable<Verified<{ readonly value: number }>>({ value: 1 })
expectAssignable<{ readonly value: number }>({} as Verified<{ readonly value: number }>)
