// Every limit of the house, with its unit. Each has a defined behaviour when it is reached: an
// error that names what came and what was allowed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace kelpie::base {

// Store: FoundationDB's limits, on every engine.
inline constexpr size_t kTransactionBytesMax = 10'000'000;
inline constexpr size_t kKeyBytesMax = 10'000;
inline constexpr size_t kValueBytesMax = 100'000;
inline constexpr Duration kTransactionAgeMax = Duration::seconds(5);
// Watches of one database that have not ended.
inline constexpr size_t kWatchesMax = 10'000;
// Larger values are chunked; a chunk leaves room for the record's framing.
inline constexpr size_t kChunkBytes = 90'000;
static_assert(kChunkBytes < kValueBytesMax);
// What a chunked value may take of one transaction; the rest is head, index and bookkeeping.
inline constexpr size_t kChunkedValueBytesMax = 9'000'000;
static_assert(kChunkedValueBytesMax < kTransactionBytesMax);

// Actors.
inline constexpr size_t kActorNamespaceBytesMax = 128;
inline constexpr size_t kActorIdBytesMax = 256;
inline constexpr size_t kPendingCallsPerActorMax = 1'000;
// Runs of one agent that were accepted and have not ended.
inline constexpr size_t kQueuedRunsPerAgentMax = 1'000;
inline constexpr Duration kActorIdleTimeout = Duration::seconds(60);
inline constexpr size_t kPendingCallsPerNodeMax = 100'000;
inline constexpr size_t kActorMethodBytesMax = 128;
// Arguments of a call, a message, a reminder; and a reply that is kept for repetitions.
inline constexpr size_t kActorArgumentBytesMax = 1'000'000;
// Of a message or a reminder, with its arguments: it is one row of the store.
inline constexpr size_t kActorMessageBytesMax = 90'000;
static_assert(kActorMessageBytesMax < kValueBytesMax);
inline constexpr size_t kActorStateBytesMax = 1'000'000;
inline constexpr size_t kActorDataKeyBytesMax = 4'000;
inline constexpr int kCallDepthMax = 32;
inline constexpr size_t kOnceKeyBytesMax = 1'024;
// How long a call that is made again under its key hears what the first one did.
inline constexpr Duration kOnceKeptFor = Duration::hours(24);
inline constexpr size_t kReminderNameBytesMax = 256;
// Messages that one turn may send.
inline constexpr size_t kMessagesPerTurnMax = 10'000;
// A message that has failed so often is parked.
inline constexpr int kMessageTriesMax = 5;
// The shards of the queue of what is due. A constant of the data: it never changes.
inline constexpr int64_t kDueShards = 16;

// Nodes.
inline constexpr Duration kHeartbeatPeriod = Duration::seconds(1);
// Beats missed in a row, as the watcher counts them (cluster/watcher.h).
inline constexpr int kSuspectAfterMissedBeats = 2;
inline constexpr int kFailAfterMissedBeats = 5;
inline constexpr size_t kNodesMax = 1'000;

// HTTP.
inline constexpr size_t kHttpHeaderBytesMax = 64 * 1024;
inline constexpr size_t kHttpBodyBytesMax = 32 * 1024 * 1024;
inline constexpr Duration kSseKeepAlive = Duration::seconds(20);

}  // namespace kelpie::base
