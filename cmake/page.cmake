# Copyright 2026 The oht50_bridge Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# The page of the bridge, which browsers get. A vehicle runs without it, and build farms have neither
# Node nor a network: AUTO goes on without it there, ON fails, OFF does not try.
set(OHT50_PAGE AUTO CACHE STRING "Build the page of the bridge: AUTO (where that is possible), ON or OFF")
set_property(CACHE OHT50_PAGE PROPERTY STRINGS AUTO ON OFF)
if(NOT OHT50_PAGE MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "OHT50_PAGE is ${OHT50_PAGE}; it can be AUTO, ON or OFF")
endif()

if(NOT OHT50_PAGE STREQUAL "OFF")
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(page_required)
  if(OHT50_PAGE STREQUAL "ON")
    set(page_required --required)
  endif()
  # Always asked: it knows by itself whether the page is up to date.
  add_custom_target(${PROJECT_NAME}_page ALL
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tools/build_page.py ${page_required}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    USES_TERMINAL
    VERBATIM
  )
  install(DIRECTORY oht50_bridge/page
    DESTINATION share/${PROJECT_NAME}
    OPTIONAL
    PATTERN ".sources" EXCLUDE
  )
endif()
