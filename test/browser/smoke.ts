/**
 * What the smoke page runs: the packed core, once through. It imports the package as a user does and knows neither
 * Node nor a test runner; it reports through the console, see run.mjs.
 */

import {
  createLabeler,
  createSigner,
  createVerifier,
  equalBytes,
  isVitalsealError,
  parseDid,
  randomBytes,
  sha256,
  type Signature,
  taggedHash,
  TAGS,
  toHex,
  unwrap,
} from 'vitalseal/primitives'

/** Fails the running check. */
function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected ${what}`)
}

const checks: Record<string, () => unknown> = {
  'runs without Node': () => {
    const names = globalThis as { readonly process?: unknown; readonly Buffer?: unknown }
    expect(names.process === undefined && names.Buffer === undefined, 'neither process nor Buffer')
  },

  'may not make code from text': () => {
    let refused = false
    try {
      // Through a variable, so that no tool mistakes this for a use of it.
      const make = Function as unknown as (text: string) => () => unknown
      make('return 1')()
    } catch {
      refused = true
    }
    expect(refused, 'the content policy to be in force')
  },

  'hashes the empty text as the standard says': () => {
    const digest = toHex(sha256(new Uint8Array(0)))
    expect(digest === 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'the digest of FIPS 180-4')
  },

  'draws different bytes each time': () => {
    expect(!equalBytes(randomBytes(32), randomBytes(32)), 'two different draws')
  },

  'signs and verifies': () => {
    const signer = createSigner(randomBytes(32))
    const verifier = createVerifier()
    const fields = ['reading', 44]
    const signature = signer.sign(TAGS.transaction, fields)
    const digest = taggedHash(TAGS.transaction, ...fields)
    expect(verifier.verify({ signer: signer.did, digest, signature }), 'a good signature to hold')
    const spoiled = Uint8Array.from(signature)
    spoiled[10] = (spoiled[10] ?? 0) ^ 1
    expect(!verifier.verify({ signer: signer.did, digest, signature: spoiled as Signature }), 'a spoiled one to fail')
    const other = taggedHash(TAGS.transaction, 'reading', 45)
    expect(!verifier.verify({ signer: signer.did, digest: other, signature }), 'it to fail for other fields')
    expect(unwrap(parseDid(signer.did)) === signer.did, 'the name to parse')
  },

  'labels a type': () => {
    const label = createLabeler({ labelKey: randomBytes(32) }).label('http://loinc.org|8867-4')
    expect(/^[0-9a-f]{32}$/.test(label), '32 hex digits')
  },

  'refuses with a code': () => {
    try {
      unwrap(parseDid('did:key:nonsense'))
    } catch (error) {
      expect(isVitalsealError(error, 'ERR_CODEC_MALFORMED'), 'ERR_CODEC_MALFORMED')
      return
    }
    expect(false, 'a refusal')
  },
}

for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
    console.log(`pass ${name}`)
  } catch (error) {
    console.log(`fail ${name}: ${String(error)}`)
  }
}
console.log('done')
