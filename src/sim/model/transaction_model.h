// The model of transactions: clients that read two keys at a version, and commit in batches whose
// transactions share one, while some are told nothing of what became of theirs.
//
// What it takes from the code (store/database.h, store/resolver.h, ADR 011): reads see the state at
// the read version; a commit is refused if what it read with a conflict was written at a greater
// version, or before it in its own batch; the warm turn reads nothing and sets its read version.
// A transaction's own writes are its own: the write buffer has its own tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sim/model/breadth_first.h"
#include "sim/model/transaction_ledger.h"

namespace kelpie::sim {

enum class TransactionBug : uint8_t {
  kNone,
  kGetsBlind,    // M4: a get adds no read conflict
  kRangesBlind,  // M5: a range read adds no read conflict
  kWarmTooNew,   // M33: a warm turn at the version of the last commit instead of one less
  kBatchBlind,   // transactions of one batch are not held against each other
  kPointsOnly,   // a cleared range is no write of the keys in it
  kAnswerEarly,  // M8: acknowledged when it is sent
};

struct TransactionOptions {
  size_t clients = 3;
  TransactionBug bug = TransactionBug::kNone;
};

class TransactionModel {
 public:
  static constexpr size_t kKeys = 2;
  // What a transaction reads and writes; a bit for each key.
  struct Program {
    std::string_view name;
    uint8_t gets = 0;
    uint8_t snapshot_gets = 0;
    bool range = false;  // reads all keys
    uint8_t sets = 0;
    bool clear_range = false;
    bool warm = false;  // when it has committed, a warm turn follows
  };
  struct Action {
    enum class Kind : uint8_t { kBegin, kRead, kBatch, kRefuse, kUntold, kDrop, kWarmTurn };
    Kind kind;
    // kBegin: client, program; kBatch: the clients in order; else the client.
    std::vector<size_t> which;
    [[nodiscard]] std::string_view name() const;
    [[nodiscard]] std::string to_string() const;
  };

  explicit TransactionModel(TransactionOptions options);

  [[nodiscard]] std::vector<Action> enabled_actions() const;
  void apply(const Action& action);
  [[nodiscard]] std::optional<std::string> invariant() const { return broken_; }
  // No versions, only what they decide: which reads would be refused now, and what they saw.
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] std::vector<std::string_view> action_names() const;
  [[nodiscard]] std::vector<Witness<TransactionModel>> witnesses() const;

 private:
  enum class Phase : uint8_t { kIdle, kBegun, kRead, kUntold, kRefused, kDropped, kCommitted };
  using Value = std::optional<Bytes>;
  struct Client {
    Phase phase = Phase::kIdle;
    size_t program = 0;
    int64_t read_version = 0;
    std::array<Value, kKeys> seen = {};
    bool acknowledged = false;
    int64_t committed = 0;  // the version
    bool is_warm = false;   // in its warm turn
  };

  [[nodiscard]] const Program& program_of(const Client& client) const;
  [[nodiscard]] Value value_at(size_t key, int64_t version) const;
  // Keys that it read and must find unchanged.
  [[nodiscard]] static uint8_t promised(const Program& program);
  [[nodiscard]] uint8_t conflicts(const Client& client) const;
  [[nodiscard]] uint8_t written_after(int64_t version) const;
  [[nodiscard]] int64_t warm_version(const Client& client) const;
  [[nodiscard]] bool may_be_warm(const Client& client) const;
  void batch(const std::vector<size_t>& clients);
  void commit(size_t index, int64_t version, uint16_t order);
  void check_contents();

  TransactionOptions options_;
  std::vector<Client> clients_;
  std::array<std::map<int64_t, Value>, kKeys> history_;  // by version
  std::array<int64_t, kKeys> written_ = {};              // the newest write, for conflicts
  int64_t version_ = 1;
  TransactionLedger ledger_;
  std::optional<std::string> broken_;
};

}  // namespace kelpie::sim
