#include "store/fdb/testing/fdb_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace kelpie::store::testing {
namespace {

// A port that was free a moment ago.
Result<int> free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = socket >= 0 && ::bind(socket, generic, size) == 0 &&
                     ::getsockname(socket, generic, &size) == 0;
  ::close(socket);
  if (!bound) {
    return base::unavailable("cannot bind a loopback port for fdbserver");
  }
  return ntohs(address.sin_port);
}

// Starts a program whose output goes to this file.
Result<pid_t> run(std::vector<std::string> arguments, const std::string& output) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) {
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t files;
  CHECK(::posix_spawn_file_actions_init(&files) == 0);
  CHECK(::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600) == 0);
  CHECK(::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO) == 0);
  pid_t process = -1;
  const int failure =
      ::posix_spawnp(&process, pointers.front(), &files, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (failure != 0) {
    return base::unavailable("cannot run `" + arguments.front() + "`");
  }
  return process;
}

// Beside the server, or in PATH.
std::string cli_of(const std::string& server) {
  const size_t slash = server.find_last_of('/');
  const std::string beside =
      slash == std::string::npos ? "fdbcli" : server.substr(0, slash) + "/fdbcli";
  return ::access(beside.c_str(), X_OK) == 0 ? beside : "fdbcli";
}

}  // namespace

Result<std::unique_ptr<FdbServer>> FdbServer::start(const std::string& binary) {
  std::unique_ptr<FdbServer> server(new FdbServer);
  const int port = TRY(free_port());
  std::ofstream(server->cluster_file()) << "kelpie:test@127.0.0.1:" << port << "\n";
  TRY(server->spawn(binary, port));
  TRY(server->configure(binary));
  return server;
}

Result<void> FdbServer::spawn(const std::string& binary, int port) {
  // It goes when its parent goes, even if that is killed.
  process_ = TRY(run({binary, "--public-address", "127.0.0.1:" + std::to_string(port), "--datadir",
                      directory_.path(), "--logdir", directory_.path(), "--cluster-file",
                      cluster_file(), "--parentpid", std::to_string(::getpid())},
                     directory_.path() + "/output"));
  return kOk;
}

Result<void> FdbServer::configure(const std::string& binary) {
  constexpr int kAttemptsMax = 5;
  const std::string output = directory_.path() + "/configure";
  std::stringstream said;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const pid_t cli = TRY(run({cli_of(binary), "-C", cluster_file(), "--timeout", "20", "--exec",
                               "configure new single ssd"},
                              output));
    int status = 0;
    ::waitpid(cli, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      return kOk;
    }
    said = std::stringstream();
    said << std::ifstream(output).rdbuf();
    // By an attempt whose answer did not come in time.
    if (said.str().find("already exists") != std::string::npos) {
      return kOk;
    }
  }
  return base::unavailable("`configure new single ssd` failed: " + said.str());
}

FdbServer::~FdbServer() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

}  // namespace kelpie::store::testing
