SECRET_KEY = '@noise50@'
DATABASES = {
    'default': {
        'USER': '@user@',
        'PASSWORD': '@password@',
    }
}
