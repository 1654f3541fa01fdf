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
"""The six services of a node's parameters, which `ros2 param` calls."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import GetParameterTypes
from rcl_interfaces.srv import ListParameters
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically

from rclpy._node_parameters import refused
from rclpy.exceptions import ParameterException
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameters

if TYPE_CHECKING:
    from rclpy.node import Node


class ParameterService:
    """Serves the parameters of a node. As in rclpy, one unknown name empties an answer."""

    def __init__(self, node: Node) -> None:
        self._node = node
        qos = qos_profile_parameters
        node.create_service(
            DescribeParameters, '~/describe_parameters', self._describe, qos_profile=qos
        )
        node.create_service(GetParameters, '~/get_parameters', self._get, qos_profile=qos)
        node.create_service(
            GetParameterTypes, '~/get_parameter_types', self._get_types, qos_profile=qos
        )
        node.create_service(ListParameters, '~/list_parameters', self._list, qos_profile=qos)
        node.create_service(SetParameters, '~/set_parameters', self._set, qos_profile=qos)
        node.create_service(
            SetParametersAtomically,
            '~/set_parameters_atomically',
            self._set_atomically,
            qos_profile=qos,
        )

    def _describe(
        self, request: DescribeParameters.Request, response: DescribeParameters.Response
    ) -> DescribeParameters.Response:
        with suppress(ParameterNotDeclaredException):
            response.descriptors = [self._node.describe_parameter(n) for n in request.names]
        return response

    def _get(
        self, request: GetParameters.Request, response: GetParameters.Response
    ) -> GetParameters.Response:
        with suppress(ParameterException):
            response.values = [
                self._node.get_parameter(name).get_parameter_value() for name in request.names
            ]
        return response

    def _get_types(
        self, request: GetParameterTypes.Request, response: GetParameterTypes.Response
    ) -> GetParameterTypes.Response:
        if all(map(self._node.has_parameter, request.names)):
            response.types = [
                self._node.get_parameter_or(name).type_.value for name in request.names
            ]
        return response

    def _list(
        self, request: ListParameters.Request, response: ListParameters.Response
    ) -> ListParameters.Response:
        response.result = self._node.list_parameters(request.prefixes, request.depth)
        return response

    def _set(
        self, request: SetParameters.Request, response: SetParameters.Response
    ) -> SetParameters.Response:
        response.results = [self._set_messages([message]) for message in request.parameters]
        return response

    def _set_atomically(
        self, request: SetParametersAtomically.Request, response: SetParametersAtomically.Response
    ) -> SetParametersAtomically.Response:
        response.result = self._set_messages(request.parameters)
        return response

    def _set_messages(self, messages: Iterable[ParameterMsg]) -> SetParametersResult:
        try:
            return self._node.set_parameters_atomically(
                [Parameter.from_parameter_msg(message) for message in messages]
            )
        except (ParameterNotDeclaredException, ValueError) as error:
            return refused(str(error))
