/**
 * The ledger: kinds, rules and state as one deterministic state machine that any engine can order.
 *
 * @packageDocumentation
 */

export {
  isVitalsealError,
  unwrap,
  VitalsealError,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
export { encodeBlock, hashReceipts, hashTransactionLeaf, hashTransactions, parseBlock, type Block } from './block.ts'
export { heldCredentials, holdsRole, isLiveAccount, signingKeyOf } from './credentials.ts'
export {
  accountListShape,
  accountShape,
  credentialListShape,
  keys as stateKeys,
  transactionShape,
  memberSetShape,
  type AccountEntry,
  type MemberSet,
  type TransactionEntry,
} from './entities.ts'
export { createFeed, type Feed, type FollowedBlock } from './feed.ts'
export {
  createGenesis,
  defaultParameters,
  encodeGenesis,
  parseGenesis,
  type Genesis,
  type GenesisFields,
  type GenesisMember,
  type Parameters,
} from './genesis.ts'
export {
  createLocalLedger,
  toAppliedReceipt,
  type AppliedReceipt,
  type LedgerClient,
  type LedgerReader,
  type LedgerWriter,
  type LocalLedger,
} from './client.ts'
export {
  HANDSHAKE_NONCE_BYTES,
  signHandshake,
  verifyHandshake,
  type Handshake,
  type HandshakeRole,
} from './handshake.ts'
export { connectLedger, type ConnectOptions } from './connect.ts'
export type { LedgerPorts } from './ports.ts'
export { encodeHeader, hashHeader, hashMembers, headerCid, parseHeader, type Header } from './header.ts'
export { createLedger, type AppliedBlock, type Ledger } from './ledger.ts'
export { encodeReceipt, hashReceipt, parseReceipt, REFUSAL_CODES, type Receipt, type RefusalCode } from './receipt.ts'
export type { SkipReason } from './execute.ts'
export { apply, refuse, type Execution, type Outcome, type Rule } from './rule.ts'
export { RULES, type RuleTable } from './rules/table.ts'
export { balanceOf, escrowOf, lockEscrow, moveEscrow, releaseEscrow } from './rules/transfer.ts'
export {
  encodeClientFrame,
  encodeServerFrame,
  FOLLOW_BLOCKS_MAX,
  FOLLOW_BYTES_MAX,
  parseClientFrame,
  parseServerFrame,
  SUBMIT_REFUSALS,
  type ClientFrame,
  type ServerFrame,
  type SubmitRefusal,
} from './ledger-protocol.ts'
export { createPool, isRevocation, poolLimits, type Pool, type Pooled, type PoolLimits } from './pool.ts'
export { type ReplayCode } from './judge-block.ts'
export { replayBlock, replayLedger } from './replay.ts'
export { readMessage, type Socket, type SocketEvent } from './socket.ts'
export type { State, StateKey, StateReader, StateWriter } from './state.ts'
export { createMemoryLedgerStore, type LedgerStore, type StoredBlock } from './store.ts'
export {
  collectCommitted,
  createView,
  type Committed,
  type LedgerView,
  type TransactionFilter,
  type ViewSource,
} from './view.ts'
