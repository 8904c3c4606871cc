#include "store/schema.h"

#include <boost/json/object.hpp>
#include <utility>

#include "base/check.h"
#include "codec/json.h"
#include "store/keys.h"
#include "store/run.h"
#include "world/clock.h"
#include "world/log.h"
#include "world/rng.h"

namespace kelpie::store {
namespace {

namespace json = boost::json;

// Undecided commits in a row after which the store is given up on.
constexpr int kUndecidedMax = 10;

Error unreadable(std::string_view what) {
  return base::data_loss("the store's " + std::string(what) + " cannot be read");
}

Result<json::object> parse_object(ByteView bytes, std::string_view what) {
  auto parsed = codec::parse_json(bytes);
  if (!parsed.ok() || !parsed->is_object()) {
    return unreadable(what);
  }
  return std::move(parsed->as_object());
}

Result<int64_t> number_of(const json::object& object, std::string_view name,
                          std::string_view what) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->as_int64() < 0) {
    return unreadable(what);
  }
  return value->as_int64();
}

Result<std::string> text_of(const json::object& object, std::string_view name,
                            std::string_view what) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) {
    return unreadable(what);
  }
  return std::string(value->as_string());
}

// How far the step that leads away from `schema` has come.
struct Progress {
  int64_t schema = 0;
  Bytes cursor;
};

Bytes encode_progress(const Progress& progress) {
  // Cursors are bytes of any kind, JSON is text: the number first, then the cursor as it is.
  return std::to_string(progress.schema) + ":" + progress.cursor;
}

Result<Progress> decode_progress(ByteView bytes) {
  Progress progress;
  const size_t colon = bytes.find(':');
  if (colon == ByteView::npos || colon == 0 || colon > 18) {
    return unreadable("progress of an upgrade");
  }
  for (const char digit : bytes.substr(0, colon)) {
    if (digit < '0' || digit > '9') {
      return unreadable("progress of an upgrade");
    }
    progress.schema = progress.schema * 10 + (digit - '0');
  }
  progress.cursor = bytes.substr(colon + 1);
  return progress;
}

void check_steps(std::span<const UpgradeStep> steps) {
  int64_t schema = kFirstSchema;
  for (const UpgradeStep& step : steps) {
    CHECK(step.from == schema);
    CHECK(step.to > step.from);
    CHECK(step.batch != nullptr);
    schema = step.to;
  }
}

// What one transaction found and did.
struct Opened {
  SchemaInfo info;
  // The batch of a step that it was, and what is left after it.
  const UpgradeStep* step = nullptr;
  bool done = false;
};

Task<std::optional<SchemaVersion>> read_version(Transaction& transaction) {
  const std::optional<Bytes> bytes = co_await transaction.get(keys::schema_version());
  if (!bytes) {
    co_return std::optional<SchemaVersion>();
  }
  co_return std::optional<SchemaVersion>(co_await decode_schema_version(*bytes));
}

Result<void> refuse_newer(const SchemaVersion& version, int64_t newest) {
  if (version.schema <= newest) {
    return kOk;
  }
  return base::failed_precondition("the store has data of schema " +
                                   std::to_string(version.schema) +
                                   ", this binary knows schemas up to " + std::to_string(newest) +
                                   ": use the binary that wrote it, or a newer one");
}

// The version, if a binary with this newest schema may open the data. An upgrade from that schema
// to a later one that stopped half way has left rows of both.
Task<std::optional<SchemaVersion>> read_openable_version(Transaction& transaction, int64_t newest) {
  std::optional<SchemaVersion> version = co_await read_version(transaction);
  if (version) {
    co_await refuse_newer(*version, newest);
  }
  const int64_t schema = version ? version->schema : kFirstSchema;
  if (schema == newest && (co_await transaction.get(keys::schema_upgrade())).has_value()) {
    co_return base::failed_precondition(
        "an upgrade of the store's data from schema " + std::to_string(schema) +
        " has begun and not ended: use the newer binary that began it");
  }
  co_return std::move(version);
}

class Opener {
 public:
  Opener(World& world, std::span<const UpgradeStep> steps)
      : steps_(steps),
        newest_(newest_schema(steps)),
        fresh_{.id = world.rng.uuid(),
               .created_micros = world.clock.wall().micros(),
               .restored_from = {}} {}

  // One transaction: makes what is missing, or one batch of an upgrade, or nothing.
  Task<Opened> advance(Transaction& transaction) const {
    Opened opened;
    std::optional<SchemaVersion> version = co_await read_openable_version(transaction, newest_);
    if (!version) {
      const bool empty = co_await is_empty(transaction);
      version = SchemaVersion{.schema = empty ? newest_ : kFirstSchema};
      transaction.set(keys::schema_version(), encode_schema_version(*version));
    }
    opened.info.incarnation = co_await incarnation(transaction);
    if (version->schema < newest_) {
      co_await upgrade(transaction, *version, opened);
    } else {
      opened.done = true;
    }
    if (opened.done && version->binary != kBinaryFormat) {
      version->binary = kBinaryFormat;
      transaction.set(keys::schema_version(), encode_schema_version(*version));
    }
    opened.info.version = *version;
    co_return std::move(opened);
  }

 private:
  // With a conflict on all that it read: whoever writes a first row meanwhile makes this fail.
  static Task<bool> is_empty(Transaction& transaction) {
    RangePage page =
        co_await transaction.get_range(RangeRead{.range = keys::everything(), .rows_max = 1});
    co_return page.rows.empty();
  }

  Task<Incarnation> incarnation(Transaction& transaction) const {
    const std::optional<Bytes> bytes = co_await transaction.get(keys::cluster_config());
    if (bytes) {
      co_return co_await decode_incarnation(*bytes);
    }
    transaction.set(keys::cluster_config(), encode_incarnation(fresh_));
    co_return fresh_;
  }

  Task<void> upgrade(Transaction& transaction, SchemaVersion& version, Opened& opened) const {
    opened.step = step_from(version.schema);
    if (opened.step == nullptr) {
      co_return base::failed_precondition("the store has data of schema " +
                                          std::to_string(version.schema) +
                                          ", from which this binary has no upgrade");
    }
    Progress progress{.schema = version.schema, .cursor = {}};
    if (const std::optional<Bytes> bytes = co_await transaction.get(keys::schema_upgrade())) {
      progress = co_await decode_progress(*bytes);
      if (progress.schema != version.schema) {
        co_return unreadable("progress of an upgrade");
      }
    }
    std::optional<Bytes> cursor =
        co_await opened.step->batch(transaction, std::move(progress.cursor));
    if (cursor) {
      CHECK(!cursor->empty());
      transaction.set(keys::schema_upgrade(),
                      encode_progress({.schema = version.schema, .cursor = *std::move(cursor)}));
      co_return kOk;
    }
    version.schema = opened.step->to;
    version.binary = kBinaryFormat;
    transaction.set(keys::schema_version(), encode_schema_version(version));
    transaction.clear(keys::schema_upgrade());
    opened.done = version.schema == newest_;
    co_return kOk;
  }

  [[nodiscard]] const UpgradeStep* step_from(int64_t schema) const {
    for (const UpgradeStep& step : steps_) {
      if (step.from == schema) {
        return &step;
      }
    }
    return nullptr;
  }

  std::span<const UpgradeStep> steps_;
  int64_t newest_;
  Incarnation fresh_;
};

}  // namespace

Bytes encode_schema_version(const SchemaVersion& version) {
  return codec::write_json(json::object{{"format", 1},
                                        {"binary", version.binary},
                                        {"schema", version.schema},
                                        {"user", version.user}});
}

Bytes encode_incarnation(const Incarnation& incarnation) {
  return codec::write_json(json::object{{"format", 1},
                                        {"id", incarnation.id},
                                        {"created_micros", incarnation.created_micros},
                                        {"restored_from", incarnation.restored_from}});
}

// Whatever a later format adds, these three numbers stay: an older binary must be able to say what
// it refuses.
Result<SchemaVersion> decode_schema_version(ByteView bytes) {
  constexpr std::string_view kWhat = "schema version";
  const json::object object = TRY(parse_object(bytes, kWhat));
  SchemaVersion version;
  version.binary = TRY(number_of(object, "binary", kWhat));
  version.schema = TRY(number_of(object, "schema", kWhat));
  version.user = TRY(number_of(object, "user", kWhat));
  if (version.schema < kFirstSchema) {
    return unreadable(kWhat);
  }
  return version;
}

Result<Incarnation> decode_incarnation(ByteView bytes) {
  constexpr std::string_view kWhat = "incarnation";
  const json::object object = TRY(parse_object(bytes, kWhat));
  Incarnation incarnation;
  incarnation.id = TRY(text_of(object, "id", kWhat));
  incarnation.created_micros = TRY(number_of(object, "created_micros", kWhat));
  incarnation.restored_from = TRY(text_of(object, "restored_from", kWhat));
  return incarnation;
}

int64_t newest_schema(std::span<const UpgradeStep> steps) {
  return steps.empty() ? kFirstSchema : steps.back().to;
}

Task<SchemaInfo> open_schema(Database& database, World& world, std::span<const UpgradeStep> steps) {
  check_steps(steps);
  const Opener opener(world, steps);
  std::optional<int64_t> upgraded_from;
  int undecided = 0;
  for (;;) {
    auto opened = co_await run(database, [&](Transaction& transaction) {
                    return opener.advance(transaction);
                  }).result();
    if (!opened.ok()) {
      // Each transaction begins with what is there, so whether the last one happened is seen then;
      // and it writes a key that every other one reads, so it cannot happen after that.
      if (opened.error().code == Code::kUnknown && ++undecided < kUndecidedMax) {
        continue;
      }
      co_return std::move(opened).error().with_context("opening the store's schema");
    }
    undecided = 0;
    if (opened->step != nullptr && !upgraded_from) {
      upgraded_from = opened->step->from;
      world.log.info("bringing older data up to date", {{"schema", *upgraded_from}});
    }
    if (opened->step != nullptr && opened->info.version.schema == opened->step->to) {
      world.log.info(
          "upgraded the data",
          {{"step", opened->step->name}, {"from", opened->step->from}, {"to", opened->step->to}});
    }
    if (opened->done) {
      opened->info.upgraded_from = upgraded_from;
      co_return std::move(opened->info);
    }
  }
}

Task<void> check_schema(Database& database, std::span<const UpgradeStep> steps) {
  const int64_t newest = newest_schema(steps);
  co_await run(database, [newest](Transaction& t) { return read_openable_version(t, newest); });
  co_return kOk;
}

Task<StoreIdentity> read_identity(const Snapshot& snapshot) {
  StoreIdentity identity;
  if (const std::optional<Bytes> bytes = co_await snapshot.get(keys::schema_version())) {
    identity.version = co_await decode_schema_version(*bytes);
  }
  if (const std::optional<Bytes> bytes = co_await snapshot.get(keys::cluster_config())) {
    identity.incarnation = co_await decode_incarnation(*bytes);
  }
  co_return std::move(identity);
}

}  // namespace kelpie::store
