// Whole programs over the real loop, with stores in temporary directories.
#include "kelpie/run.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>

#include "embed/open.h"
#include "kelpie/kelpie.h"
#include "real/real_loop.h"

namespace kelpie {
namespace {

struct TallyState {
  int64_t value = 0;
};
KELPIE_FIELDS(TallyState, value)

class Tally : public Actor<TallyState> {
 public:
  static constexpr std::string_view kType = "tally";
  Task<int64_t> count(Context& ctx) { co_return ++state(ctx).value; }
  static void methods(Methods<Tally>& m) { m.turn<&Tally::count>("count"); }
};

class Run : public ::testing::Test {
 protected:
  Run() {
    std::string pattern = ::testing::TempDir() + "kelpie-run-XXXXXX";
    CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~Run() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

Task<void> count(Node& node, int64_t& value) {
  value = co_await node.actor<Tally>("t").call<&Tally::count>();
  co_return kOk;
}
Task<void> fail(Node&) { co_return not_found("nothing"); }
Task<void> raise_and_wait(Node& node) {
  std::raise(SIGTERM);
  co_return co_await node.sleep(Duration::hours(1)).result();
}
Task<void> raise_and_listen(Node& node, int64_t& value) {
  std::raise(SIGTERM);
  co_await node.asked_to_end();
  co_return co_await count(node, value).result();
}
Task<void> open_again(Node&, std::string directory, int& code) {
  code = run<Tally>({.data_dir = directory}, fail);
  co_return kOk;
}

TEST_F(Run, AnAppEndsWithZeroAndItsStateIsThereTheNextTime) {
  int64_t value = 0;
  const App app = [&value](Node& node) { return count(node, value); };
  EXPECT_EQ(run<Tally>({.data_dir = directory_ + "/data"}, app), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(run<Tally>({.data_dir = directory_ + "/data"}, app), 0);
  EXPECT_EQ(value, 2);
}

TEST_F(Run, AStoreInMemoryKeepsNothing) {
  int64_t value = 0;
  const App app = [&value](Node& node) { return count(node, value); };
  EXPECT_EQ(run<Tally>({.in_memory = true}, app), 0);
  EXPECT_EQ(run<Tally>({.in_memory = true}, app), 0);
  EXPECT_EQ(value, 1);
}

TEST_F(Run, AnErrorOfTheAppIsTheExitCodeOne) {
  EXPECT_EQ(run<Tally>({.in_memory = true}, fail), 1);
}

TEST_F(Run, ADirectoryIsOpenedByOneAtATime) {
  int code = 0;
  const std::string directory = directory_ + "/data";
  EXPECT_EQ(run<Tally>({.data_dir = directory},
                       [&](Node& node) { return open_again(node, directory, code); }),
            0);
  EXPECT_EQ(code, 1);
}

TEST_F(Run, ASignalDropsAnAppThatDoesNotListen) {
  EXPECT_EQ(run<Tally>({.in_memory = true}, raise_and_wait), 128 + SIGTERM);
}

TEST_F(Run, AnAppThatListensToTheSignalEndsByItself) {
  int64_t value = 0;
  EXPECT_EQ(run<Tally>({.in_memory = true},
                       [&value](Node& node) { return raise_and_listen(node, value); }),
            0);
  EXPECT_EQ(value, 1);
}

TEST_F(Run, OptionsNameExactlyOneStore) {
  EXPECT_EQ(run<Tally>({}, fail), 1);
  EXPECT_EQ(embed::check_options({}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(embed::check_options({.data_dir = "d", .in_memory = true}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(embed::check_options({.fdb_cluster_file = "f"}).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(embed::check_options({.fdb_cluster_file = "f", .node_name = "n"}).ok());
  EXPECT_EQ(embed::node_name({.fdb_cluster_file = "f", .node_name = "n"}), "n");
  EXPECT_EQ(embed::node_name({.data_dir = "d"}), embed::kLocalNode);
}

TEST_F(Run, ALibraryThatIsNamedIsTheOneThatIsLoaded) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run<Tally>({.fdb_cluster_file = directory_ + "/fdb.cluster",
                        .fdb_library = "/nowhere/libfdb_c.so",
                        .node_name = "n"},
                       fail),
            1);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("`/nowhere/libfdb_c.so`"), std::string::npos) << said;
}

}  // namespace
}  // namespace kelpie
