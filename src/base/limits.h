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

// HTTP.
inline constexpr size_t kHttpHeaderBytesMax = 64 * 1024;
inline constexpr size_t kHttpBodyBytesMax = 32 * 1024 * 1024;
inline constexpr Duration kSseKeepAlive = Duration::seconds(20);

}  // namespace kelpie::base
