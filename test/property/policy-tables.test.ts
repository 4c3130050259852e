import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { PairTable } from '../../src/policy/pair-table.ts'
import { PartyTable } from '../../src/policy/party-table.ts'
import { RecordTable } from '../../src/policy/record-table.ts'
import { readTerms } from '../../src/policy/terms.ts'
import { createDid, type Did } from '../../src/primitives/did.ts'
import { propertyRuns } from '../support/property.ts'

function didOf(number: number): Did {
  const key = new Uint8Array(33)
  key[0] = 2
  new DataView(key.buffer).setUint32(29, number)
  return createDid(key)
}

const did = fc.nat(3_000).map(didOf)

describe('the flat tables against maps', () => {
  it('parties: each has one number, and its name back', () => {
    fc.assert(
      fc.property(fc.array(did, { maxLength: 300 }), did, (names, stranger) => {
        const table = new PartyTable()
        const numbers = new Map(names.map((name) => [name, table.intern(name)]))
        expect(new Set(numbers.values()).size).toBe(numbers.size)
        for (const [name, number] of numbers) {
          expect(table.find(name)).toBe(number)
          expect(table.nameOf(number)).toBe(name)
        }
        expect(table.find(stranger)).toBe(numbers.get(stranger) ?? -1)
      }),
      propertyRuns(60),
    )
  })

  it('parties: nobody is found by a text that only resembles his name', () => {
    const table = new PartyTable()
    const name = didOf(7)
    table.intern(name)
    // Its last character and one whose code agrees in the low byte; neither may stand for the other.
    const twin = name.slice(0, -1) + String.fromCharCode(0x100 + name.charCodeAt(56))
    const others = [
      twin,
      `${name}1`,
      name.slice(0, -1),
      name.replace('zQ3s', 'zDna'),
      name.replace(/.$/, '?'),
      name.toLowerCase(),
      '',
    ]
    for (const other of others) expect(table.find(other)).toBe(-1)
    expect(table.find(name)).toBe(0)
  })

  it('pairs: each keeps its record through growth, and each owner his grantees', () => {
    const pair = fc.tuple(fc.nat(40), fc.oneof(fc.nat(40), fc.constantFrom('ward', 'clinic')), fc.nat(1_000))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 300 }), (pairs) => {
        const table = new PairTable()
        const nameOf = (name: number | string): Did | { role: 'clinician'; organisation: string } =>
          typeof name === 'number' ? didOf(name) : { role: 'clinician', organisation: name }
        const records = new Map<string, number>()
        const grantees = new Map<number, Set<number | string>>()
        for (const [owner, other, record] of pairs) {
          table.setFirstRecord(didOf(owner), nameOf(other), record)
          records.set(JSON.stringify([owner, other]), record)
          grantees.set(owner, (grantees.get(owner) ?? new Set()).add(other))
        }
        for (const [owner, others] of grantees) {
          const listed = table.granteesOf(didOf(owner))
          expect(listed).toHaveLength(others.size)
          for (const other of others) {
            expect(listed).toContainEqual(nameOf(other))
            expect(table.firstRecord(didOf(owner), nameOf(other))).toBe(records.get(JSON.stringify([owner, other])))
          }
        }
        expect(table.firstRecord(didOf(41), didOf(0))).toBe(-1)
      }),
      propertyRuns(60),
    )
  })

  it('records: a place given free is used again, and its neighbours stay as they are', () => {
    const table = new RecordTable<string>()
    const recordOf = (fromMs: number): number => {
      const terms = {
        actions: ['access'],
        purposes: ['TREAT'],
        access: { fromMs, untilMs: fromMs + 1 },
        dataTypes: ['a|b'],
      } as const
      return table.insert(readTerms(terms), fromMs, fromMs)
    }
    const records = Array.from({ length: 100 }, (_, place) => recordOf(place))
    for (const record of records.slice(10, 20)) table.remove(record)
    expect(table.count).toBe(90)
    expect(new Set(records.slice(10, 20).map(() => recordOf(7)))).toEqual(new Set(records.slice(10, 20)))
    expect(table.count).toBe(100)
    expect(table.read(records[9]!)).toMatchObject({
      access: { fromMs: 9, untilMs: 10 },
      grantor: 9,
      height: 9,
      data: undefined,
    })
  })
})
