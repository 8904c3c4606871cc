#include "store/fdb/load.h"

#include <gtest/gtest.h>

#include "store/fdb/errors.h"
#include "store/fdb/testing/scripted_fdb.h"

namespace kelpie::store {
namespace {

using testing::ScriptedFdb;

constexpr FdbErrorCode kNotSupported = 2203;

TEST(LoadFdbLibrary, SaysWhatToInstallWhenThereIsNone) {
  const auto library = load_fdb_library("/nowhere/libfdb_c.so");
  ASSERT_FALSE(library.ok());
  EXPECT_EQ(library.error().code, Code::kNotFound);
  for (const char* part :
       {"/nowhere/libfdb_c.so", "foundationdb-clients", "--fdb-library", "KELPIE_FDB_LIBRARY"}) {
    EXPECT_NE(library.error().message.find(part), std::string::npos) << part;
  }
}

TEST(LoadFdbLibrary, RefusesALibraryThatIsNotFoundationDbs) {
  const auto library = load_fdb_library("libm.so.6");
  ASSERT_FALSE(library.ok());
  EXPECT_EQ(library.error().code, Code::kFailedPrecondition);
  EXPECT_NE(library.error().message.find("fdb_select_api_version_impl"), std::string::npos);
}

TEST(SelectFdbApiVersion, TakesTheNewestThatBothSpeak) {
  FdbApi api = ScriptedFdb::api();
  EXPECT_EQ(select_fdb_api_version(api).value(), 730);
  api.get_max_api_version = [] { return 800; };
  EXPECT_EQ(select_fdb_api_version(api).value(), 730);
  api.get_max_api_version = [] { return 729; };
  EXPECT_EQ(select_fdb_api_version(api).value(), 720);
  api.get_max_api_version = [] { return 710; };
  EXPECT_EQ(select_fdb_api_version(api).value(), 710);
}

TEST(SelectFdbApiVersion, GoesDownWhenALibraryRefuses) {
  FdbApi api = ScriptedFdb::api();
  api.select_api_version_impl = [](int runtime, int header) {
    return runtime == header && runtime == 710 ? 0 : kNotSupported;
  };
  EXPECT_EQ(select_fdb_api_version(api).value(), 710);
}

TEST(SelectFdbApiVersion, IsForTheWholeProcess) {
  FdbApi api = ScriptedFdb::api();
  api.select_api_version_impl = [](int, int) { return kFdbApiVersionAlreadySet; };
  const Result<int> second = select_fdb_api_version(api);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("load it once"), std::string::npos);
}

TEST(SelectFdbApiVersion, FailsWithBothSidesNamedWhenNoneFits) {
  FdbApi api = ScriptedFdb::api();
  api.get_max_api_version = [] { return 630; };
  const Result<int> old = select_fdb_api_version(api);
  ASSERT_FALSE(old.ok());
  EXPECT_EQ(old.error().code, Code::kFailedPrecondition);
  EXPECT_NE(old.error().message.find("630"), std::string::npos);
  EXPECT_NE(old.error().message.find("710"), std::string::npos);

  api.get_max_api_version = [] { return 730; };
  api.select_api_version_impl = [](int, int) { return kNotSupported; };
  const Result<int> refused = select_fdb_api_version(api);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("2203"), std::string::npos);
}

}  // namespace
}  // namespace kelpie::store
