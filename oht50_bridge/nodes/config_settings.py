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
"""Parameters of config_node: the table of what clients may configure."""

from __future__ import annotations

from dataclasses import asdict

from oht50_bridge.nodes.declaring import Declarer
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.vehicle.config_table import ConfigError
from oht50_bridge.vehicle.config_table import ConfigNodeSettings
from oht50_bridge.vehicle.config_table import ConfigTable
from oht50_bridge.vehicle.config_table import Item
from oht50_bridge.vehicle.config_table import ItemSettings


def config_table(declarer: Declarer) -> tuple[ConfigNodeSettings, ConfigTable]:
    """Declare the parameters of the node and return them and the table of its items.

    Raises:
        StartError: a parameter or an item is wrong.

    """
    settings = declare_settings(declarer, ConfigNodeSettings)
    items = {
        name: declare_settings(declarer, ItemSettings, f'item.{name}.', parameter=name)
        for name in settings.items
    }
    try:
        return settings, ConfigTable(
            Item(name=name, **asdict(values)) for name, values in items.items()
        )
    except ConfigError as error:
        raise StartError(f'{declarer.node}: {error}') from error
