# What programs that embed Kelpie's actors need: one library, its headers, a CMake package and a
# pkg-config file. `cmake --install BUILD --component embed`, or without the component to install
# the server too.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(embed_floors base codec async world obs store cluster actor real)
set(embed_objects)
foreach(floor IN LISTS embed_floors ITEMS embed)
  list(APPEND embed_objects $<TARGET_OBJECTS:kelpie_${floor}>)
endforeach()
add_library(kelpie_package STATIC ${embed_objects})
set_target_properties(kelpie_package PROPERTIES
  LINKER_LANGUAGE CXX OUTPUT_NAME kelpie EXPORT_NAME kelpie
  ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/package)
target_compile_features(kelpie_package INTERFACE cxx_std_23)
# TRY is a statement expression.
target_compile_options(kelpie_package INTERFACE -Wno-gnu-statement-expression)
target_link_libraries(kelpie_package INTERFACE
  Boost::headers Boost::json RocksDB::rocksdb-shared spdlog::spdlog fmt::fmt Threads::Threads)
# Headers of Kelpie's own floors are found by the names that they have among themselves.
target_include_directories(kelpie_package INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/kelpie/floors>)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Kelpie)
install(TARGETS kelpie_package EXPORT KelpieTargets COMPONENT embed
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT KelpieTargets NAMESPACE Kelpie:: DESTINATION ${package_dir} COMPONENT embed)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/kelpie DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT embed FILES_MATCHING PATTERN "*.h")
foreach(floor IN LISTS embed_floors)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/${floor}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kelpie/floors COMPONENT embed
    FILES_MATCHING PATTERN "*.h" PATTERN "testing" EXCLUDE PATTERN "rocksdb" EXCLUDE
    PATTERN "fdb" EXCLUDE PATTERN "real_loop_impl.h" EXCLUDE)
endforeach()

configure_package_config_file(cmake/KelpieConfig.cmake.in KelpieConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(KelpieConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/KelpieConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/KelpieConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT embed)
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/kelpie.pc.in kelpie.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kelpie.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT embed)

install(TARGETS kelpie RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
