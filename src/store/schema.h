// The schema of what a store holds: which binaries may open it, and how older data is brought up to
// date. Three numbers lie in the store: the format of the binary that opened it last, the schema of
// the data, and a user version that is kept and not interpreted here.
//
//   nothing there             the numbers and a new incarnation are written, in one transaction
//   data without the numbers  of the first release, which did not write them: schema 1
//   a newer schema            refused, and nothing is touched
//   an older schema           upgraded step by step
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "store/backend.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::store {

// What a binary writes about itself; with each release that writes something its predecessor would
// not understand, the schema grows too.
inline constexpr int64_t kBinaryFormat = 1;
inline constexpr int64_t kFirstSchema = 1;

struct SchemaVersion {
  int64_t binary = kBinaryFormat;
  int64_t schema = kFirstSchema;
  int64_t user = 0;
  bool operator==(const SchemaVersion&) const = default;
};

// A store from its making on. A restored one is another store, with an id of its own, so that
// whatever outlives it (a token that was handed out) can tell the two apart.
struct Incarnation {
  std::string id;              // random, a UUID
  int64_t created_micros = 0;  // since 1970
  // Of the store whose backup this is; empty: it was made empty.
  std::string restored_from;
  bool operator==(const Incarnation&) const = default;
};

Bytes encode_schema_version(const SchemaVersion& version);
Bytes encode_incarnation(const Incarnation& incarnation);
// `data_loss` for what does not decode.
Result<SchemaVersion> decode_schema_version(ByteView bytes);
Result<Incarnation> decode_incarnation(ByteView bytes);

// One step of an upgrade, done in batches that each fit a transaction.
struct UpgradeStep {
  // Works on a bounded part of the data from `cursor` on (empty: from the beginning), in this
  // transaction, which the caller commits together with where to go on: the cursor of the next
  // batch, not empty; or nullopt: that was the last one. It may be called again for the same
  // cursor, when a commit did not happen, and never for one whose batch has been committed.
  using Batch = Task<std::optional<Bytes>> (*)(Transaction& transaction, Bytes cursor);

  int64_t from = 0;
  int64_t to = 0;
  std::string_view name;  // for logs and errors
  Batch batch = nullptr;
};

// The schema that a binary with these steps writes.
int64_t newest_schema(std::span<const UpgradeStep> steps);

struct SchemaInfo {
  SchemaVersion version;
  Incarnation incarnation;
  // What was there before, if that was another schema.
  std::optional<int64_t> upgraded_from;
};

// Before anything else uses the database. `steps` lead from kFirstSchema to the schema that this
// binary writes, without a gap (CHECKed): with none it is kFirstSchema. The version moves in the
// transaction of a step's last batch, so that an upgrade that was broken off goes on where it
// stood. Several processes may do this at once. The steps outlive the task. Errors:
//   failed_precondition  the schema is newer than this binary's; both numbers are in the message
//   data_loss            the numbers cannot be read
//   and what the database says
Task<SchemaInfo> open_schema(Database& database, World& world, std::span<const UpgradeStep> steps);

// Only the refusal of a newer schema, without writing anything: ok for every other store.
Task<void> check_schema(Database& database, std::span<const UpgradeStep> steps);

// What a snapshot says about itself: absent where it does not.
struct StoreIdentity {
  std::optional<SchemaVersion> version;
  std::optional<Incarnation> incarnation;
};
Task<StoreIdentity> read_identity(const Snapshot& snapshot);

}  // namespace kelpie::store
