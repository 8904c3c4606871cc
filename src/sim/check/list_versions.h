// What a history of appends says of each key: who appended what, which reads there are, and in
// which order the elements came. The first half of check_list_append.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sim/check/history.h"

namespace kelpie::sim {

struct ListAppend {
  uint32_t transaction = 0;
  uint32_t nth = 0;  // of the transaction's appends to this key
  ByteView element;
};

struct ListRead {
  uint32_t transaction = 0;
  ByteView list;   // encoded
  size_t own = 0;  // bytes at its end that the transaction itself had appended before
  store::Isolation isolation = store::Isolation::kSerializable;
  [[nodiscard]] ByteView others() const { return list.substr(0, list.size() - own); }
};

struct ListKey {
  std::unordered_map<ByteView, ListAppend> appends;  // by element; only looked up, never walked
  std::vector<ListAppend> all;                       // in the history's order
  std::vector<ListRead> reads;                       // of committed transactions
  ListRead longest;
  std::unordered_set<ByteView> in_longest;  // its elements; only looked up, never walked
  // Set by ListVersions::order():
  std::vector<ListAppend> order;       // the elements of `longest`
  std::vector<size_t> ends;            // where each ends in it, in bytes
  std::vector<ListAppend> unobserved;  // committed, and in no read

  // How many elements a list has that is a beginning of `longest`.
  [[nodiscard]] size_t elements(ByteView list) const;
};

struct Anomaly {
  std::string name;
  std::string explanation;
};

class ListVersions {
 public:
  // The transactions outlive this.
  explicit ListVersions(const std::vector<TransactionRecord>& transactions);

  // Why the history cannot be judged.
  [[nodiscard]] std::optional<std::string> malformed() const { return malformed_; }
  // Reads that no order of any transactions explains, the plainest first.
  [[nodiscard]] std::optional<Anomaly> anomaly() const;

  [[nodiscard]] const std::map<ByteView, ListKey>& keys() const { return keys_; }
  [[nodiscard]] bool committed(uint32_t transaction) const { return committed_[transaction]; }
  [[nodiscard]] const TransactionRecord& record(uint32_t transaction) const {
    return transactions_[transaction];
  }

 private:
  // Smaller is plainer: it is reported first.
  enum class Rank : uint8_t {
    kNotAList,
    kDuplicate,
    kUnknownElement,
    kAborted,
    kTorn,
    kInconsistent,
    kIncompatible,
    kIntermediate,
  };

  void collect_appends();
  void observe(uint32_t transaction);
  void observe_point(uint32_t transaction, const ReadStep& step);
  void observe_range(uint32_t transaction, const RangeStep& step);
  void add_read(ByteView key, ListRead read);
  void check_against_own(ByteView key, const ListRead& read);
  void learn_elements(ByteView key, const ListKey& of, const ListRead& read, size_t from,
                      std::unordered_set<ByteView>& known);
  void order();
  void check_order(ByteView key, const ListKey& of);
  void check_reads(ByteView key, const ListKey& of);
  void found(Rank rank, std::string name, std::string explanation);
  [[nodiscard]] std::string who(uint32_t transaction) const;

  struct OwnState {
    std::optional<Bytes> others;  // as it last read them
    Bytes appended;
  };

  const std::vector<TransactionRecord>& transactions_;
  std::map<ByteView, ListKey> keys_;
  std::vector<bool> committed_;
  std::vector<uint32_t> waiting_;     // committed and not yet observed
  std::map<ByteView, OwnState> own_;  // of the transaction that is observed
  std::optional<std::string> malformed_;
  std::map<Rank, Anomaly> anomalies_;  // the first of each rank
};

}  // namespace kelpie::sim
