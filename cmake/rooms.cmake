# One folder = one target. amtsbote_room(base_core ...) compiles every source of base/core into a static library; DEPS are
# rooms of the same or a lower floor (tests/lint holds the includes against the plan), LIBS are third-party libraries, which
# stay private: no header of a room names one, unless PUBLIC_LIBS says so.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

option(AMTSBOTE_WERROR "Warnings are errors" OFF)
set(AMTSBOTE_SANITIZE "" CACHE STRING "Sanitizers for all targets, e.g. address,undefined")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  add_link_options(-fuse-ld=mold)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-mismatched-new-delete)  # a false alarm about the coroutine frames of Asio
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
                    -fstack-protector-strong -fPIE)
add_link_options(-pie -Wl,-z,relro -Wl,-z,now)
if(AMTSBOTE_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT AMTSBOTE_SANITIZE)
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(AMTSBOTE_SANITIZE)
  add_compile_options(-fsanitize=${AMTSBOTE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${AMTSBOTE_SANITIZE})
  # ASan and UBSan for the sources with coroutines: the checks left out cost a minute a file and find nothing there
  set(AMTSBOTE_COROUTINE_SANITIZE -fno-sanitize=null,vptr,object-size,alignment)
  if(AMTSBOTE_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan)
    set(AMTSBOTE_COROUTINE_SANITIZE)
  endif()
endif()
# libFuzzer's counters in every room, so that a target sees where its input leads; its main() only in the targets themselves
option(AMTSBOTE_FUZZ "Build the fuzz targets of tests/fuzz (needs Clang)" OFF)
if(AMTSBOTE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "fuzz targets need Clang: cmake --preset fuzz")
  endif()
  # function: Clang 14 puts its type records where position independent code cannot relocate them
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
# Clang 14 with libstdc++ 12
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fcoroutines-ts> -Wno-deprecated-coroutine)
endif()

add_compile_definitions(AMTSBOTE_VERSION="${PROJECT_VERSION}" BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION
                        BOOST_ALL_NO_LIB)

function(amtsbote_room name)
  cmake_parse_arguments(ARG "COROUTINES" "" "DEPS;LIBS;PUBLIC_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  get_filename_component(parent ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(target ${parent}_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} PUBLIC ${ARG_DEPS} ${ARG_PUBLIC_LIBS} PRIVATE ${ARG_LIBS})
    if(ARG_COROUTINES AND AMTSBOTE_SANITIZE)
      target_compile_options(${target} PRIVATE ${AMTSBOTE_COROUTINE_SANITIZE})
    endif()
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE ${ARG_DEPS} ${ARG_PUBLIC_LIBS})
  endif()
endfunction()
