#include <array>

#include "async/scope.h"
#include "async/sleep.h"
#include "base/limits.h"
#include "store/conformance.h"
#include "store/conformance_support.h"
#include "store/run.h"

namespace kelpie::store {
namespace {

using namespace conformance;  // NOLINT: the kit's own helpers

const KeyRange kAll{"", "\xff"};

Task<void> refuses_a_lost_update(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}});
  const auto first = database.begin();
  const auto second = database.begin();
  CONFORM(co_await first->get("a") == "1");
  CONFORM(co_await second->get("a") == "1");
  first->set("a", "first");
  second->set("a", "second");
  co_await first->commit();
  const Result<Version> lost = co_await second->commit().result();
  CONFORM(failed_with(lost, Code::kAborted));
  CONFORM(co_await value_of(database, "a") == "first");
  co_return kOk;
}

Task<void> refuses_write_skew(Database& database, Loop&) {
  co_await put(database, {{"a", "on"}, {"b", "on"}});
  const auto first = database.begin();
  const auto second = database.begin();
  CONFORM(co_await first->get("b") == "on");
  CONFORM(co_await second->get("a") == "on");
  first->set("a", "off");
  second->set("b", "off");
  co_await first->commit();
  CONFORM(failed_with(co_await second->commit().result(), Code::kAborted));
  co_return kOk;
}

Task<void> refuses_a_phantom(Database& database, Loop&) {
  co_await put(database, {{"k1", ""}, {"k5", ""}});
  for (Order order : {Order::kForward, Order::kReverse}) {
    const auto reader = database.begin();
    CONFORM((co_await all_rows(*reader, KeyRange::prefix("k"), order, 10)).size() >= 2);
    reader->set("count", "2");
    co_await put(database, {{order == Order::kForward ? "k3" : "k4", ""}});
    CONFORM(failed_with(co_await reader->commit().result(), Code::kAborted));
  }
  const auto reader = database.begin();
  CONFORM((co_await all_rows(*reader, KeyRange::prefix("k"), Order::kForward, 10)).size() == 4);
  reader->set("count", "4");
  const auto remover = database.begin();
  remover->clear_range({"k2", "k9"});
  co_await remover->commit();
  CONFORM(failed_with(co_await reader->commit().result(), Code::kAborted));
  co_return kOk;
}

Task<void> conflicts_only_over_what_a_page_covered(Database& database, Loop&) {
  co_await put(database, {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}});
  const auto forward = database.begin();
  CONFORM((co_await forward->get_range({.range = kAll, .rows_max = 2})).rows.size() == 2);
  const auto backward = database.begin();
  CONFORM((co_await backward->get_range({.range = kAll, .rows_max = 2, .order = Order::kReverse}))
              .rows.size() == 2);
  forward->set("f", "");
  backward->set("g", "");
  co_await put(database, {{"d", "changed"}});
  co_await forward->commit();
  CONFORM(failed_with(co_await backward->commit().result(), Code::kAborted));
  co_return kOk;
}

Task<void> lets_a_snapshot_read_pass(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}});
  const auto reader = database.begin();
  CONFORM(co_await reader->get("a", Isolation::kSnapshot) == "1");
  co_await reader->get_range({.range = kAll, .isolation = Isolation::kSnapshot});
  reader->set("b", "1");
  co_await put(database, {{"a", "2"}});
  CONFORM((co_await reader->commit()) > Version(0));
  co_return kOk;
}

Task<void> honours_explicit_conflicts(Database& database, Loop&) {
  const auto reader = database.begin();
  co_await reader->read_version();
  reader->add_read_conflict(KeyRange::single("guard"));
  reader->add_read_conflict({"x", "y"});
  reader->set("a", "");
  const auto writer = database.begin();
  writer->add_write_conflict(KeyRange::single("guard"));
  CONFORM((co_await writer->commit()) > Version(0));
  CONFORM(failed_with(co_await reader->commit().result(), Code::kAborted));
  CONFORM(!(co_await value_of(database, "guard")).has_value());

  const auto range_reader = database.begin();
  co_await range_reader->read_version();
  range_reader->add_read_conflict({"x", "y"});
  range_reader->set("a", "");
  const auto range_writer = database.begin();
  range_writer->add_write_conflict({"xx", "z"});
  co_await range_writer->commit();
  CONFORM(failed_with(co_await range_reader->commit().result(), Code::kAborted));
  co_return kOk;
}

// The fence of a warm turn: a conflict needs a version greater than the read version.
Task<void> judges_conflicts_by_a_read_version_that_was_set(Database& database, Loop&) {
  const Version written = co_await put(database, {{"epoch", "1"}});
  const auto at = database.begin();
  at->set_read_version(written);
  at->add_read_conflict(KeyRange::single("epoch"));
  at->set("head", "at");
  co_await at->commit();
  const auto before = database.begin();
  before->set_read_version(Version(written.get() - 1));
  before->add_read_conflict(KeyRange::single("epoch"));
  before->set("head", "before");
  CONFORM(failed_with(co_await before->commit().result(), Code::kAborted));
  CONFORM(co_await value_of(database, "head") == "at");
  co_return kOk;
}

Task<void> returns_no_version_for_a_commit_that_wrote_nothing(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}});
  const auto reader = database.begin();
  CONFORM(co_await reader->get("a") == "1");
  co_await put(database, {{"a", "2"}});
  CONFORM(co_await reader->commit() == kNoVersion);
  co_return kOk;
}

Task<void> stamps_keys_and_values_in_commit_order(Database& database, Loop&) {
  std::vector<Versionstamp> stamps;
  for (int i = 0; i < 5; ++i) {
    const auto transaction = database.begin();
    transaction->set_versionstamped_key("log/" + Bytes(10, '\0') + "/tail", 4, std::to_string(i));
    transaction->set_versionstamped_value("last", "v:" + Bytes(10, '\0') + ":", 2);
    const Version version = co_await transaction->commit();
    stamps.push_back(transaction->versionstamp());
    CONFORM(stamps.back().version() == version);
    CONFORM(stamps.size() < 2 || stamps[stamps.size() - 2] < stamps.back());
  }
  const auto reader = database.begin();
  const Rows rows = co_await all_rows(*reader, KeyRange::prefix("log/"), Order::kForward, 2);
  CONFORM(rows.size() == stamps.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    CONFORM(rows[i].key == "log/" + stamps[i].bytes + "/tail");
    CONFORM(rows[i].value == std::to_string(i));
  }
  CONFORM(co_await reader->get("last") == "v:" + stamps.back().bytes + ":");
  co_return kOk;
}

Task<void> refuses_to_read_a_stamp_before_the_commit(Database& database, Loop&) {
  const auto transaction = database.begin();
  transaction->set_versionstamped_value("k", Bytes(10, '\0'), 0);
  CONFORM(failed_with(co_await transaction->get("k").result(), Code::kInvalidArgument));
  CONFORM(failed_with(co_await transaction->get_range({.range = kAll}).result(),
                      Code::kInvalidArgument));
  CONFORM(!(co_await transaction->get("other")).has_value());
  co_return kOk;
}

Task<void> adds_up_concurrent_atomics_without_conflict(Database& database, Loop& loop) {
  struct Adder {
    static Task<void> add(Database& db, uint64_t number, int& failures) {
      const auto transaction = db.begin();
      transaction->atomic(AtomicOp::kAdd, "sum", little_endian(number));
      if (!(co_await transaction->commit().result()).ok()) {
        ++failures;
      }
      co_return kOk;
    }
  };
  int failures = 0;
  Scope scope(loop, {});
  for (uint64_t number = 1; number <= 100; ++number) {
    scope.spawn(Adder::add(database, number, failures));
  }
  co_await scope.drain();
  CONFORM(failures == 0);
  CONFORM(co_await value_of(database, "sum") == little_endian(5'050));
  co_return kOk;
}

Task<int> move_one(Transaction& transaction, Bytes from, Bytes to) {
  const std::optional<Bytes> source = co_await transaction.get(from);
  const std::optional<Bytes> target = co_await transaction.get(to);
  const int left = std::stoi(source.value_or("0"));
  if (left == 0 || from == to) {
    co_return 0;
  }
  transaction.set(std::move(from), std::to_string(left - 1));
  transaction.set(std::move(to), std::to_string(std::stoi(target.value_or("0")) + 1));
  co_return 1;
}

Task<void> move_many(Database& database, int start, int& moved, int& failed) {
  for (int i = 0; i < 20; ++i) {
    const Bytes from = "account" + std::to_string((start + i) % 5);
    const Bytes to = "account" + std::to_string((start + 3 * i + 1) % 5);
    const auto body = [&](Transaction& t) { return move_one(t, from, to); };
    const Result<int> result = co_await run(database, body, {.retries_max = 1'000}).result();
    moved += result.ok() ? *result : 0;
    failed += result.ok() ? 0 : 1;
  }
  co_return kOk;
}

Task<void> keeps_a_sum_under_concurrent_writers(Database& database, Loop& loop) {
  co_await put(database, {{"account0", "50"}, {"account1", "50"}, {"account2", "50"}});
  int moved = 0;
  int failed = 0;
  Scope scope(loop, {});
  for (int i = 0; i < 8; ++i) {
    scope.spawn(move_many(database, i, moved, failed));
  }
  co_await scope.drain();
  CONFORM(failed == 0);
  CONFORM(moved > 0);
  const auto reader = database.begin();
  int sum = 0;
  for (const KeyValue& row :
       co_await all_rows(*reader, KeyRange::prefix("account"), Order::kForward, 2)) {
    sum += std::stoi(row.value);
  }
  CONFORM(sum == 150);
  co_return kOk;
}

Task<void> refuses_what_is_over_a_limit_by_size_and_limit(Database& database, Loop&) {
  const auto long_key = database.begin();
  long_key->set(Bytes(base::kKeyBytesMax + 1, 'k'), "");
  const Result<Version> key = co_await long_key->commit().result();
  CONFORM(failed_with(key, Code::kInvalidArgument));
  CONFORM(key.error().message.find("10001") != std::string::npos);
  CONFORM(key.error().message.find("10000") != std::string::npos);

  const auto large_value = database.begin();
  large_value->set("k", Bytes(base::kValueBytesMax + 1, 'v'));
  const Result<Version> value = co_await large_value->commit().result();
  CONFORM(failed_with(value, Code::kInvalidArgument));
  CONFORM(value.error().message.find("100001") != std::string::npos);

  const auto large = database.begin();
  for (int i = 0; i < 101; ++i) {
    large->set("k" + std::to_string(i), Bytes(base::kValueBytesMax, 'v'));
  }
  CONFORM(large->approximate_bytes() > base::kTransactionBytesMax);
  const Result<Version> size = co_await large->commit().result();
  CONFORM(failed_with(size, Code::kInvalidArgument));
  CONFORM(size.error().message.find("10000000") != std::string::npos);
  CONFORM(!(co_await value_of(database, "k0")).has_value());

  const auto at_the_limits = database.begin();
  at_the_limits->set(Bytes(base::kKeyBytesMax, 'k'), Bytes(base::kValueBytesMax, 'v'));
  CONFORM((co_await at_the_limits->commit()) > Version(0));
  co_return kOk;
}

Task<void> gives_growing_versions(Database& database, Loop&) {
  Version last(0);
  for (int i = 0; i < 10; ++i) {
    const Version version = co_await put(database, {{"a", std::to_string(i)}});
    CONFORM(version > last);
    const auto reader = database.begin();
    CONFORM(co_await reader->read_version() >= version);
    last = version;
  }
  co_return kOk;
}

constexpr std::array kCases = {
    ConformanceCase{"RefusesALostUpdate", refuses_a_lost_update},
    ConformanceCase{"RefusesWriteSkew", refuses_write_skew},
    ConformanceCase{"RefusesAPhantom", refuses_a_phantom},
    ConformanceCase{"ConflictsOnlyOverWhatAPageCovered", conflicts_only_over_what_a_page_covered},
    ConformanceCase{"LetsASnapshotReadPass", lets_a_snapshot_read_pass},
    ConformanceCase{"HonoursExplicitConflicts", honours_explicit_conflicts},
    ConformanceCase{"JudgesConflictsByAReadVersionThatWasSet",
                    judges_conflicts_by_a_read_version_that_was_set},
    ConformanceCase{"ReturnsNoVersionForACommitThatWroteNothing",
                    returns_no_version_for_a_commit_that_wrote_nothing},
    ConformanceCase{"StampsKeysAndValuesInCommitOrder", stamps_keys_and_values_in_commit_order},
    ConformanceCase{"RefusesToReadAStampBeforeTheCommit",
                    refuses_to_read_a_stamp_before_the_commit},
    ConformanceCase{"AddsUpConcurrentAtomicsWithoutConflict",
                    adds_up_concurrent_atomics_without_conflict},
    ConformanceCase{"KeepsASumUnderConcurrentWriters", keeps_a_sum_under_concurrent_writers},
    ConformanceCase{"RefusesWhatIsOverALimitBySizeAndLimit",
                    refuses_what_is_over_a_limit_by_size_and_limit},
    ConformanceCase{"GivesGrowingVersions", gives_growing_versions},
};

}  // namespace

std::span<const ConformanceCase> commit_conformance() { return kCases; }

}  // namespace kelpie::store
