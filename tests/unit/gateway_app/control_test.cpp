#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "gateway/app/control_client.hpp"
#include "gateway/app/control_server.hpp"
#include "tests/unit/gateway_app/site.hpp"

namespace app {
namespace {

class Peer {
 public:
  explicit Peer(const base::fs::path& path) : m_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    m_connected = ::connect(m_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Peer() { ::close(m_fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return m_connected; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // closed in the middle: what a hostile peer must expect
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // The next line; nothing at the end.
  std::optional<json::object> line() {
    while (m_buffer.find('\n') == std::string::npos) {
      char bytes[4096];
      const ssize_t got = ::recv(m_fd, bytes, sizeof bytes, 0);
      if (got <= 0) return std::nullopt;
      m_buffer.append(bytes, static_cast<std::size_t>(got));
    }
    const std::size_t end = m_buffer.find('\n');
    auto object = parse_line(m_buffer.substr(0, end), k_max_answer);
    m_buffer.erase(0, end + 1);
    if (!object) return std::nullopt;
    return *std::move(object);
  }

 private:
  int m_fd;
  bool m_connected = false;
  std::string m_buffer;
};

class ControlTest : public Site {
 protected:
  void SetUp() override {
    auto local = LocalStore::open(options());
    ASSERT_TRUE(local) << local.error().describe();
    m_local = *std::move(local);
    m_local->live().context().blocking = &m_pool;
    auto server = ControlServer::start(m_io.get_executor(), m_local->live(), {m_dir / "control", m_dir / "audit", std::chrono::milliseconds{20'000}});
    ASSERT_TRUE(server) << server.error().describe();
    m_server = *std::move(server);
    m_thread = std::thread([this] { m_io.run(); });
  }
  void TearDown() override {
    boost::asio::post(m_io, [this] {
      m_server->stop();
      m_work.reset();
    });
    m_thread.join();
    m_pool.join();
  }

  base::net::Pool m_pool{2};
  boost::asio::io_context m_io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> m_work{m_io.get_executor()};
  std::unique_ptr<LocalStore> m_local;
  std::unique_ptr<ControlServer> m_server;
  std::thread m_thread;
};

TEST_F(ControlTest, SocketsAreForTheirGroup) {
  for (const char* name : {"control", "audit"}) {
    struct stat st {};
    ASSERT_EQ(::stat((m_dir / name).c_str(), &st), 0);
    EXPECT_TRUE(S_ISSOCK(st.st_mode));
    EXPECT_EQ(st.st_mode & 0777, 0660u);
  }
}

TEST_F(ControlTest, WhoeverDoesNotSpeakTheLanguageGetsOneAnswer) {
  for (const std::string& line : {std::string("GET / HTTP/1.1\r\n"), std::string("[1,2]\n"), std::string("\n"), std::string("{\"command\": \n"),
                                  std::string(5000, '[') + "\n", "{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}\n", std::string("\xff\xfe\0x\n", 5)}) {
    Peer peer(m_dir / "control");
    ASSERT_TRUE(peer.connected());
    peer.send(line);
    const auto answer = peer.line();
    ASSERT_TRUE(answer) << line.substr(0, 20);
    EXPECT_FALSE(flag_of(*answer, "ok"));
    EXPECT_FALSE(text_of(*answer, "error").empty());
    EXPECT_FALSE(peer.line());
  }
}

TEST_F(ControlTest, AHugeLineIsCutOff) {
  Peer peer(m_dir / "control");
  peer.send(std::string(k_max_request + 100'000, 'x'));
  const auto answer = peer.line();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(flag_of(*answer, "ok"));
  EXPECT_FALSE(peer.line());
}

TEST_F(ControlTest, TwoRequestsInOneWriteGetTwoAnswersInOrder) {
  Peer peer(m_dir / "control");
  peer.send("{\"command\":\"queue.list\"}\n{\"command\":\"users.list\"}\n{\"comm");
  auto first = peer.line(), second = peer.line();
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->contains("messages"));
  EXPECT_TRUE(second->contains("users"));
  peer.send("and\":\"status\"}\n");
  const auto third = peer.line();
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->contains("queue"));
}

TEST_F(ControlTest, MembersOfOtherTypesHarmNothing) {
  Peer peer(m_dir / "control");
  for (const char* line : {"{\"command\":17}", "{}", "{\"command\":\"nonsense\"}", "{\"command\":\"queue.show\",\"id\":[]}", "{\"command\":\"queue.list\",\"state\":\"sideways\"}",
                           "{\"command\":\"users.add\",\"name\":{},\"addresses\":{\"a\":1}}", "{\"command\":\"queue.hold\",\"id\":\"01\",\"reason\":5}",
                           "{\"command\":\"keys.show\",\"key\":\"zz\"}", "{\"command\":\"keys.import\",\"file\":\"!!\"}", "{\"command\":\"receipts.search\",\"since\":\"soon\"}"}) {
    peer.send(std::string(line) + "\n");
    const auto answer = peer.line();
    ASSERT_TRUE(answer) << line;
    EXPECT_FALSE(flag_of(*answer, "ok")) << line;
    EXPECT_NE(exit_code_of(*answer), k_exit_good) << line;
  }
}

TEST_F(ControlTest, AuditorsSeeReceiptsAndTheStatus) {
  Peer peer(m_dir / "audit");
  for (const Handler& handler : handlers()) {
    const bool is_theirs = handler.command.starts_with("receipts.") || handler.command == "status";
    EXPECT_EQ(handler.is_for_auditors, is_theirs) << handler.command;
    if (is_theirs) continue;
    peer.send("{\"command\":\"" + std::string(handler.command) + "\",\"id\":\"x\"}\n");
    const auto answer = peer.line();
    ASSERT_TRUE(answer);
    EXPECT_NE(text_of(*answer, "error").find("is not for auditors"), std::string::npos) << handler.command;
  }
  peer.send("{\"command\":\"status\"}\n");
  const auto answer = peer.line();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(flag_of(*answer, "ok"));
}

TEST_F(ControlTest, MoreThanTheLimitAreTurnedAway) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < k_max_connections; ++i) {
    peers.push_back(std::make_unique<Peer>(m_dir / "control"));
    peers.back()->send("{\"command\":\"status\"}\n");
    ASSERT_TRUE(peers.back()->line());
  }
  Peer surplus(m_dir / "control");
  const auto answer = surplus.line();
  ASSERT_TRUE(answer);
  EXPECT_EQ(text_of(*answer, "error"), "too many connections");
}

// The group that a directory with the setgid bit hands down is the socket's; a directory that is missing is made.
TEST_F(ControlTest, ADirectoryChoosesTheGroup) {
  const auto directory = m_dir / "auditors";
  base::fs::create_directory(directory);
  gid_t other = ::getegid();
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  ASSERT_GE(::getgroups(static_cast<int>(groups.size()), groups.data()), 0);
  for (const gid_t candidate : groups)
    if (candidate != ::getegid()) other = candidate;
  if (::geteuid() == 0) other = ::getegid() + 4711;
  ASSERT_EQ(::chown(directory.c_str(), static_cast<uid_t>(-1), other), 0);
  ASSERT_EQ(::chmod(directory.c_str(), 02755), 0);
  auto second = ControlServer::start(m_io.get_executor(), m_local->live(), {m_dir / "made" / "control", directory / "socket", std::chrono::milliseconds{20'000}});
  ASSERT_TRUE(second) << second.error().describe();
  struct stat st {};
  ASSERT_EQ(::stat((directory / "socket").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, other);
  EXPECT_EQ(st.st_mode & 0777, 0660u);
  ASSERT_EQ(::stat((m_dir / "made" / "control").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, ::getegid());
  boost::asio::post(m_io, [server = std::shared_ptr(*std::move(second))] { server->stop(); });
}

TEST_F(ControlTest, NothingThatFitsSaysWhetherTheNameIsKnown) {
  EXPECT_EQ(at_site({"queue", "list"}).out, "nothing is under way\n");
  EXPECT_NE(at_site({"queue", "list", "--route", "internt"}).out.find("unknown route \"internt\"; did you mean \"internet\"?"), std::string::npos);
  EXPECT_NE(at_site({"queue", "retry", "--department", "gesundheit"}).err.find("unknown department \"gesundheit\""), std::string::npos);
  EXPECT_NE(at_site({"receipts", "search", "--state", "delivred"}).err.find("did you mean \"delivered\"?"), std::string::npos);
  const Ran gone = at_site({"queue", "retry", "01JQ3V5R8WPZ6T0X2B4N7M9K1C"});
  EXPECT_EQ(gone.code, k_exit_no);
  EXPECT_NE(gone.err.find("receipts show"), std::string::npos);
}

TEST_F(ControlTest, TheCommandLineAsksTheDaemon) {
  // the store's lock is held by this process: only the socket can give the answer
  const Ran ran = at_site({"status", "--json"});
  EXPECT_TRUE(ran.answer().contains("queue")) << ran.out << ran.err;
  // a broken configuration must not lock people out of a daemon that runs
  put("policies/10.toml", "[[rule]]\nname = 5\n");
  EXPECT_EQ(at_site({"queue", "list"}).code, k_exit_good);
}

}  // namespace
}  // namespace app
