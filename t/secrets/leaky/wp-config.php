<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_PASSWORD', '@password@' );
define( 'AUTH_KEY',         '@noise64@' );
