#include "store/conformance.h"

#include <gtest/gtest.h>

#include <string>

#include "async/manual_loop.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/testing/answer_thread.h"
#include "store/fdb/testing/scripted_fdb.h"
#include "store/rocksdb/testing/thread_loop.h"

namespace kelpie::store {
namespace {

using testing::AnswerThread;
using testing::ScriptedFdb;
using testing::ThreadLoop;

class FdbEngine : public ::testing::TestWithParam<ConformanceCase> {
 protected:
  // Runs the case and counts what must happen exactly once.
  template <class LoopType>
  void expect_conforms(LoopType& loop, ScriptedFdb& fdb) {
    {
      FdbDatabase database(loop, fdb.connection());
      const Result<void> result = loop.run(GetParam().body(database, loop));
      EXPECT_TRUE(result.ok()) << result.error().to_string();
    }
    const ScriptedFdb::Counts counts = fdb.counts();
    EXPECT_EQ(counts.futures_made, counts.futures_destroyed);
    EXPECT_EQ(counts.transactions_made, counts.transactions_destroyed);
    EXPECT_EQ(counts.broken_commits, 0);
  }
};

TEST_P(FdbEngine, ConformsWhenCallbacksRunInline) {
  async::ManualLoop loop;
  ScriptedFdb fdb;
  expect_conforms(loop, fdb);
}

TEST_P(FdbEngine, ConformsWhenAnswersComeLater) {
  async::ManualLoop loop;
  ScriptedFdb fdb([&loop](ScriptedFdb::Answer answer) { loop.post(std::move(answer)); });
  expect_conforms(loop, fdb);
}

TEST_P(FdbEngine, ConformsWhenAnswersComeOnAnotherThread) {
  ThreadLoop loop;
  AnswerThread thread;
  ScriptedFdb fdb(thread.deliver());
  expect_conforms(loop, fdb);
}

INSTANTIATE_TEST_SUITE_P(Conformance, FdbEngine, ::testing::ValuesIn(whole_conformance()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kelpie::store
