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

"""The six parameter services of a node."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import ListParametersResult
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import GetParameterTypes
from rcl_interfaces.srv import ListParameters
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically

from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.exceptions import ParameterUninitializedException
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameters


class ParameterService:
    """Answers `ros2 param`; an unknown name empties the whole answer, as in rclpy."""

    def __init__(self, node: Any) -> None:
        self._node = node
        for srv_type, name, callback in (
                (DescribeParameters, 'describe_parameters', self._describe),
                (GetParameters, 'get_parameters', self._get),
                (GetParameterTypes, 'get_parameter_types', self._get_types),
                (ListParameters, 'list_parameters', self._list),
                (SetParameters, 'set_parameters', self._set),
                (SetParametersAtomically, 'set_parameters_atomically', self._set_atomically)):
            node.create_service(srv_type, f'{node.get_name()}/{name}', callback,
                                qos_profile=qos_profile_parameters)

    def _describe(self, request: Any, response: Any) -> Any:
        try:
            response.descriptors = self._node.describe_parameters(list(request.names))
        except ParameterNotDeclaredException:
            response.descriptors = []
        return response

    def _get(self, request: Any, response: Any) -> Any:
        try:
            response.values = [self._node.get_parameter(name).get_parameter_value()
                               for name in request.names]
        except (ParameterNotDeclaredException, ParameterUninitializedException):
            response.values = []
        return response

    def _get_types(self, request: Any, response: Any) -> Any:
        try:
            response.types = [self._node.get_parameter_type(name) for name in request.names]
        except ParameterNotDeclaredException:
            response.types = []
        return response

    def _list(self, request: Any, response: Any) -> Any:
        try:
            response.result = self._node.list_parameters(request.prefixes, request.depth)
        except (TypeError, ValueError):
            response.result = ListParametersResult()
        return response

    def _apply(self, messages: Any) -> SetParametersResult:
        try:
            return self._node.set_parameters_atomically(
                [Parameter.from_parameter_msg(message) for message in messages])
        except (ParameterNotDeclaredException, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))

    def _set(self, request: Any, response: Any) -> Any:
        response.results = [self._apply([message]) for message in request.parameters]
        return response

    def _set_atomically(self, request: Any, response: Any) -> Any:
        response.result = self._apply(request.parameters)
        return response
