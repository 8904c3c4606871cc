#include "sim/transactions/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "async/select.h"
#include "async/sleep.h"
#include "store/exactly_once.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kLists = 4;
constexpr size_t kRowsMax = 3;
constexpr std::string_view kMarks = "m/";
constexpr std::string_view kHeads = "h/";
constexpr std::string_view kCount = "c/";
// One, in eight bytes, little endian.
constexpr ByteView kOne{"\1\0\0\0\0\0\0\0", 8};

constexpr Duration kWatchPatience = Duration::seconds(2);

store::KeyRange list_range() { return {"l/", "l0"}; }
store::KeyRange row_range() { return {"p/", "p0"}; }

Fate fate_of(const Error& error) {
  return error.code == Code::kUnknown ? Fate::kUnknown : Fate::kFailed;
}

Task<std::vector<store::KeyValue>> read_all(store::Transaction& transaction, store::KeyRange range,
                                            size_t page_rows) {
  std::vector<store::KeyValue> rows;
  store::RangeRead read{.range = std::move(range), .rows_max = page_rows};
  for (;;) {
    store::RangePage page = co_await transaction.get_range(read);
    rows.insert(rows.end(), page.rows.begin(), page.rows.end());
    if (!page.more) {
      co_return std::move(rows);
    }
    read.range = std::move(page.next);
  }
}

Task<void> append(store::Transaction& transaction, Bytes key, Bytes element,
                  TransactionRecord& record) {
  const std::optional<Bytes> list = co_await transaction.get(key);
  record.steps.emplace_back(ReadStep{.key = key, .seen = list});
  transaction.set(key, list.value_or(Bytes()) + encode_list({element}));
  record.steps.emplace_back(AppendStep{.key = std::move(key), .element = std::move(element)});
  co_return kOk;
}

void leave_mark(store::Transaction& transaction, const std::string& id, TransactionRecord& record) {
  transaction.set(mark_of(id), id);
  record.steps.emplace_back(SetStep{.key = mark_of(id), .value = id});
}

Task<void> one_step(store::Transaction& transaction, const Plan& plan, size_t at,
                    TransactionRecord& record) {
  const PlanStep& step = plan.steps[at];
  switch (step.kind) {
    case PlanStep::Kind::kRead:
    case PlanStep::Kind::kSnapshotRead: {
      const store::Isolation isolation = step.kind == PlanStep::Kind::kRead
                                             ? store::Isolation::kSerializable
                                             : store::Isolation::kSnapshot;
      record.steps.emplace_back(ReadStep{.key = step.key,
                                         .seen = co_await transaction.get(step.key, isolation),
                                         .isolation = isolation});
      break;
    }
    case PlanStep::Kind::kRange:
      record.steps.emplace_back(
          RangeStep{.range = list_range(),
                    .rows = co_await read_all(transaction, list_range(), plan.page_rows)});
      break;
    case PlanStep::Kind::kAppend:
      co_await append(transaction, step.key, fmt::format("{}.{}", plan.id, at), record);
      break;
  }
  co_return kOk;
}

Task<void> use_lists(StoreAccess access, store::Transaction& transaction, const Plan& plan,
                     TransactionRecord& record) {
  bool appends = false;
  for (size_t at = 0; at < plan.steps.size(); ++at) {
    appends = appends || plan.steps[at].kind == PlanStep::Kind::kAppend;
    co_await one_step(transaction, plan, at, record);
    co_await async::sleep_for(access.world.loop, plan.think);
  }
  if (appends) {
    leave_mark(transaction, plan.id, record);
  }
  co_return kOk;
}

// And looks at what is left, behind rows that only this transaction has cleared.
Task<void> clear_some(store::Transaction& transaction, std::vector<store::KeyValue> rows,
                      const Plan& plan, TransactionRecord& record) {
  for (const store::KeyValue& row : rows) {
    transaction.clear(row.key);
    record.steps.emplace_back(ClearStep{.range = store::KeyRange::single(row.key)});
  }
  record.steps.emplace_back(RangeStep{
      .range = row_range(), .rows = co_await read_all(transaction, row_range(), plan.page_rows)});
  co_return kOk;
}

Task<void> use_rows(StoreAccess access, store::Transaction& transaction, const Plan& plan,
                    TransactionRecord& record) {
  std::vector<store::KeyValue> rows = co_await read_all(transaction, row_range(), plan.page_rows);
  const size_t count = rows.size();
  const std::vector<store::KeyValue> first(rows.begin(),
                                           rows.begin() + std::min<std::ptrdiff_t>(2, count));
  record.steps.emplace_back(RangeStep{.range = row_range(), .rows = std::move(rows)});
  co_await async::sleep_for(access.world.loop, plan.think);
  if (count < kRowsMax) {
    const Bytes key = row_range().begin + plan.id;
    transaction.set(key, plan.id);
    record.steps.emplace_back(SetStep{.key = key, .value = plan.id});
  } else if (!plan.clears_all) {
    co_await clear_some(transaction, first, plan, record);
  } else {
    transaction.clear_range(row_range());
    record.steps.emplace_back(ClearStep{.range = row_range()});
  }
  leave_mark(transaction, plan.id, record);
  co_return kOk;
}

Task<void> attempt(StoreAccess access, store::Transaction& transaction, const Plan& plan,
                   TransactionRecord& record) {
  record.read_version = co_await transaction.read_version();
  switch (plan.kind) {
    case PlanKind::kLists:
      co_await use_lists(access, transaction, plan, record);
      break;
    case PlanKind::kLimited:
      co_await use_rows(access, transaction, plan, record);
      break;
    case PlanKind::kCounts:
      transaction.atomic(store::AtomicOp::kAdd, Bytes(kCount), Bytes(kOne));
      record.steps.emplace_back(
          AtomicStep{.op = store::AtomicOp::kAdd, .key = Bytes(kCount), .operand = Bytes(kOne)});
      leave_mark(transaction, plan.id, record);
      break;
    case PlanKind::kOnce:
    case PlanKind::kWatch:
      co_await one_step(transaction, plan, 0, record);
      break;
  }
  // A watch begins with its transaction's commit.
  const std::unique_ptr<store::Watch> watch =
      plan.kind == PlanKind::kWatch ? transaction.watch(plan.steps.front().key) : nullptr;
  const store::Version version = co_await transaction.commit();
  if (watch != nullptr) {
    // It is a hint: it may fail, come late, or never.
    static_cast<void>(
        co_await async::timeout(access.world.loop, kWatchPatience, watch->changed()).result());
  }
  if (version != store::kNoVersion) {
    const Bytes stamp = transaction.versionstamp().bytes;
    record.commit_version = version;
    record.order =
        static_cast<uint16_t>(static_cast<uint8_t>(stamp[8]) << 8 | static_cast<uint8_t>(stamp[9]));
  }
  co_return kOk;
}

Task<void> append_once(store::Transaction& transaction, const Plan& plan,
                       TransactionRecord& record) {
  record.steps.clear();
  co_await append(transaction, plan.steps.front().key, plan.id, record);
  leave_mark(transaction, plan.id, record);
  co_return kOk;
}

}  // namespace

Bytes mark_of(const std::string& id) { return Bytes(kMarks) + id; }

std::string marked(const Bytes& key) {
  return key.starts_with(kMarks) ? key.substr(kMarks.size()) : std::string();
}

Plan draw_plan(ChoiceStream& choices, std::string id) {
  Plan plan;
  plan.id = std::move(id);
  plan.page_rows = choices.choose(2) == 0 ? 1'000 : 1 + choices.choose(3);
  plan.think = choices.choose(2) == 0 ? Duration()
                                      : choices.between(Duration::micros(1), Duration::millis(20));
  const auto list = [&] { return list_range().begin + std::to_string(choices.choose(kLists)); };
  const uint64_t dice = choices.choose(100);
  if (dice < 20) {
    plan.kind = PlanKind::kLimited;
    plan.clears_all = choices.choose(2) == 0;
  } else if (dice < 25) {
    plan.kind = PlanKind::kCounts;
  } else if (dice < 45) {
    plan.kind = PlanKind::kOnce;
    plan.steps.push_back({PlanStep::Kind::kAppend, list()});
  } else if (dice < 50) {
    plan.kind = PlanKind::kWatch;
    plan.steps.push_back({PlanStep::Kind::kRead, list()});
  } else {
    for (uint64_t left = 1 + choices.choose(4); left > 0; --left) {
      const uint64_t kind = choices.choose(10);
      plan.steps.push_back({kind < 4   ? PlanStep::Kind::kAppend
                            : kind < 7 ? PlanStep::Kind::kRead
                            : kind < 8 ? PlanStep::Kind::kSnapshotRead
                                       : PlanStep::Kind::kRange,
                            list()});
    }
  }
  return plan;
}

Plan audit_plan(std::string id) {
  Plan plan;
  plan.id = std::move(id);
  plan.steps.push_back({PlanStep::Kind::kRange, {}});
  return plan;
}

Task<Fate> carry_out(StoreAccess access, Plan plan, TransactionRecord& record) {
  Result<void> done = kOk;
  if (plan.kind == PlanKind::kOnce) {
    done = co_await store::run_exactly_once(access.world, access.database, access.world.rng,
                                            Bytes(kHeads) + plan.id,
                                            [&plan, &record](store::Transaction& transaction) {
                                              return append_once(transaction, plan, record);
                                            })
               .result();
  } else {
    const auto transaction = access.database.begin();
    done = co_await attempt(access, *transaction, plan, record).result();
  }
  co_return done.ok() ? Fate::kOk : fate_of(done.error());
}

}  // namespace kelpie::sim
