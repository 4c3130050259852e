/** What happens to one patient: seal, grant, read, be refused, diagnose, rotate, revoke. Every claim is a check. */
import { createClinician, createOwnerCapsules, createPatient, type Clinician, type Sealed } from 'vitalseal/actors'
import { assessRevocation, compareAccess } from 'vitalseal/audit'
import { createDiagnosis } from 'vitalseal/fhir'
import type { Identity } from 'vitalseal/identity'
import type { Did } from 'vitalseal/primitives'
import { openRecord, type Blockstore } from 'vitalseal/storage'

import type { Notebook } from './checks.ts'
import { tellResearch, type Converted, type Research } from './research.ts'
import type { Cast, Reading } from './resources.ts'
import type { World } from './world.ts'

/** Who takes part in a story. */
export interface Doctors {
  readonly doctor: Clinician
  readonly colleague: Clinician
  readonly doctorIdentity: Identity
}

/** With whom a story is told. */
export interface Others extends Doctors {
  /** Of a patient whose data is converted for research. */
  readonly research?: Research | undefined
}

/** What the report shows of a story. */
export interface Told {
  readonly patient: string
  readonly did: Did
  readonly sealed: readonly { readonly name: string; readonly record: Sealed; readonly granted: boolean }[]
  /** The ECG as the doctor decrypted it, where there is one. */
  readonly ecg: Uint8Array | undefined
  readonly grantedAtHeight: number
  readonly revokedAtHeight: number
  readonly stillOpen: number
  /** Where policy and keys differ at the end, as sentences. */
  readonly gaps: readonly string[]
  readonly converted: Converted | undefined
}

const equal = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0

function firstOf<T>(items: readonly T[]): T {
  const [first] = items
  if (first === undefined) throw new Error('nothing to show')
  return first
}

/** A store that changes one byte of everything that it returns. */
function tamper(store: Blockstore): Blockstore {
  return {
    put: (cid, bytes) => store.put(cid, bytes),
    async get(cid) {
      const parts: Uint8Array[] = []
      for await (const part of store.get(cid) as AsyncIterable<Uint8Array>) parts.push(part)
      const bytes = Buffer.concat(parts)
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
      return Uint8Array.from(bytes)
    },
  }
}

/** Tells the story of one patient. */
export async function tellStory(cast: Cast, world: World, others: Others, notebook: Notebook): Promise<Told> {
  const { doctor, colleague, doctorIdentity, research } = others
  const story = (name: string) => `${cast.patient}: ${name}`
  const first = firstOf(cast.readings)
  const identity = await world.admitWithPre(`care circle of ${cast.patient}`, 'patient')
  const patient = await createPatient({ identity, ...world.shared, capsules: createOwnerCapsules(identity) })
  const { keyRing } = patient
  const isGranted = ({ resource }: Reading) => cast.granted.includes(resource.dataType)
  let ecg: Uint8Array | undefined

  const readings = await notebook.step(story('seal, tx_IoT, store'), cast.readings.length, async () => {
    const sealed: { readonly reading: Reading; readonly record: Sealed }[] = []
    for (const reading of cast.readings) sealed.push({ reading, record: await patient.seal(reading.resource) })
    return sealed
  })

  const granted = await notebook.step(
    story('grant to E. van den Broek for 30 days: T_access, tx_key'),
    cast.granted.length,
    () =>
      patient.grant({
        to: doctor.did,
        dataTypes: [...new Set(cast.granted)],
        purposes: ['TREAT'],
        access: { days: 30 },
      }),
  )

  await notebook.step(story('read what is granted (T_data), be refused the rest'), readings.length, async () => {
    for (const { reading, record } of readings) {
      const { name, resource } = reading
      notebook.check(
        story(`${name} comes back to the patient`),
        equal((await patient.open(record.id)).bytes, resource.bytes),
      )
      if (isGranted(reading)) {
        const { bytes } = await doctor.read(record.id, { purpose: 'TREAT' })
        notebook.check(story(`${name} comes to the doctor byte for byte`), equal(bytes, resource.bytes))
        if (name.endsWith('/ekg')) ecg = bytes
      } else {
        await notebook.expectFailure(story(`${name} is refused: another type`), 'ERR_POLICY_DENIED', () =>
          doctor.read(record.id, { purpose: 'TREAT' }),
        )
        const label = keyRing.label(resource.dataType)
        await notebook.expectFailure(story(`${name}: the doctor holds no key either`), 'ERR_KEYS_NOT_HELD', () =>
          doctor.keyRing.openingKey({ patient: identity.did, label, epoch: 1 }),
        )
      }
    }
    const { record } = firstOf(readings)
    await notebook.expectFailure(story('another doctor is refused'), 'ERR_POLICY_DENIED', () =>
      colleague.read(record.id, { purpose: 'TREAT' }),
    )
    await notebook.expectFailure(story('another purpose is refused'), 'ERR_POLICY_DENIED', () =>
      doctor.read(record.id, { purpose: 'HRESCH' }),
    )
    const key = keyRing.openingKey({ patient: identity.did, label: keyRing.label(first.resource.dataType), epoch: 1 })
    await notebook.expectFailure(story('a changed block is found'), 'ERR_STORAGE_CORRUPT', () =>
      openRecord(record.record, { key, blocks: tamper(world.blocks) }),
    )
  })

  await notebook.step(story('diagnosis citing readings, under the doctor’s own key: tx_diag'), 1, async () => {
    const causes = readings.filter(({ reading }) => isGranted(reading)).map(({ record }) => record.id)
    const about = { patient: identity.did, causes }
    const codes = ['http://hl7.org/fhir/sid/icd-10|R73.9'] as const
    const report = createDiagnosis({ ...about, codes, conclusion: 'To be followed up', issuedAtMs: Date.now() })
    const { id } = await doctor.diagnose(report, about)
    notebook.check(story('the patient opens the diagnosis'), equal((await patient.open(id)).bytes, report.bytes))
    await notebook.expectFailure(story('another doctor does not'), 'ERR_POLICY_DENIED', () =>
      colleague.read(id, { purpose: 'TREAT' }),
    )
  })

  const isFirst = ({ reading }: { readonly reading: Reading }) => reading.resource.dataType === first.resource.dataType
  const converted =
    research &&
    (await tellResearch({
      ...{ patient, research, world, notebook, story },
      first: firstOf(readings),
      chosen: readings.filter(isFirst),
      others: readings.filter((told) => !isFirst(told)),
    }))

  await notebook.step(story('rotate: a new epoch for the same readers'), 1, async () => {
    await patient.rotate()
    const again = await patient.seal(first.resource)
    const { bytes } = await doctor.read(again.id, { purpose: 'TREAT' })
    notebook.check(story('the doctor opens the new epoch'), equal(bytes, first.resource.bytes))
  })

  return notebook.step(story('revoke: empty T_access, an epoch without the doctor'), 1, async () => {
    const { height, epoch } = await patient.revoke({ from: doctor.did })
    const later = await patient.seal(first.resource)
    await notebook.expectFailure(story('the revoked doctor is refused'), 'ERR_POLICY_DENIED', () =>
      doctor.read(later.id, { purpose: 'TREAT' }),
    )
    const label = keyRing.label(first.resource.dataType)
    await notebook.expectFailure(story('he holds no key of new data'), 'ERR_KEYS_NOT_HELD', () =>
      doctor.keyRing.openingKey({ patient: identity.did, label, epoch }),
    )
    const stale = doctor.keyRing.openingKey({ patient: identity.did, label, epoch: epoch - 1 })
    await notebook.expectFailure(story('the keys of the epoch before do not open it'), 'ERR_DECRYPTION_FAILED', () =>
      openRecord(later.record, { key: stale, blocks: world.blocks }),
    )
    const old = doctor.keyRing.openingKey({ patient: identity.did, label, epoch: 1 })
    const bytes = await openRecord(firstOf(readings).record.record, { key: old, blocks: world.blocks })
    notebook.check(
      story('what he could open before, he still can, and the library says so'),
      equal(bytes, first.resource.bytes),
    )
    const view = await world.ledger.view({ patient: identity.did })
    const effect = assessRevocation(view, { patient: identity.did, grantee: doctorIdentity.did })
    const gaps = compareAccess(view, { patient: identity.did })
    const names = new Map([
      [doctor.did, 'doctor'],
      ...(research === undefined ? [] : [[research.institution.did, 'institution'] as const]),
    ])
    const nameOf = (did: Did) => names.get(did) ?? did
    notebook.check(story('the effect of the revocation is stated: block and records'), effect.stillOpen.length > 0)
    const sealed = readings.map(({ reading, record }) => ({ name: reading.name, record, granted: isGranted(reading) }))
    return {
      patient: cast.patient,
      did: identity.did,
      sealed: [...sealed, { name: `${first.name}, after the revocation`, record: later, granted: false }],
      ecg,
      grantedAtHeight: granted.height,
      revokedAtHeight: height,
      stillOpen: effect.stillOpen.length,
      gaps: gaps.map(({ holder, because }) => `the ${nameOf(holder)} ${because}`),
      converted,
    }
  })
}

/** Starts the two doctors of the story. */
export async function createDoctors(world: World): Promise<Doctors> {
  const doctorIdentity = await world.admit('practice of E. van den Broek', 'clinician') // Practitioner/f001
  const colleagueIdentity = await world.admit('practice of Carla Espinosa', 'clinician') // Practitioner/f204
  return {
    doctorIdentity,
    doctor: await createClinician({ identity: doctorIdentity, ...world.shared }),
    colleague: await createClinician({ identity: colleagueIdentity, ...world.shared }),
  }
}
