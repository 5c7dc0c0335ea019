# SPDX-License-Identifier: Apache-2.0
SECRET_KEY = '@noise50@'
DATABASES = {
    'default': {
        'USER': '@user@',
        'PASSWORD': '@password@',
    }
}
