// Writes manual pages, completion, the command reference and an example of a set-up from the program's own tables: generate DATE DIRECTORY.
#include <cstdio>
#include <filesystem>

#include "base/core/file.hpp"
#include "base/core/random.hpp"
#include "gateway/app/command_table.hpp"
#include "gateway/app/init_plan.hpp"
#include "gateway/app/manual.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: generate DATE DIRECTORY\n"), 2;
  base::init_crypto();
  const std::filesystem::path directory = argv[2];
  const std::string_view date = argv[1];
  for (const auto& [name, text] : {std::pair<const char*, std::string>{"amtsbote.1", app::format_man_program(date)}, {"amtsbote-serve.8", app::format_man_serve(date)},
                                   {"amtsbote.toml.5", app::format_man_config(date)}, {"amtsbote.bash", app::format_completion()}, {"cli.md", app::format_markdown()}}) {
    if (const auto done = base::write_file_durably(directory / name, text); !done) return std::fprintf(stderr, "%s: %s\n", name, done.error().detail.c_str()), 1;
  }
  // what init would write for a town that has everything
  app::InitAnswers answers;
  answers.domain = "stadt.example";
  answers.next_hop = "relay.example.net:587";
  answers.mailserver = "mail.stadt.example:25";
  answers.directory = app::k_system_directory;
  answers.listen = {"submission=[::]:587", "submission=[::]:465", "mx=[::]:25", "https=[::]:443", "relay=127.0.0.1:10025"};
  const auto complete = app::complete_answers(answers);
  if (!complete) return std::fprintf(stderr, "%s\n", complete.error().detail.c_str()), 1;
  for (const app::InitFile& file : app::plan_files(*complete)) {
    const auto path = directory / "examples" / file.name;
    std::filesystem::create_directories(path.parent_path());
    if (const auto done = base::write_file_durably(path, file.text); !done) return std::fprintf(stderr, "%s\n", done.error().detail.c_str()), 1;
  }
  return 0;
}
