<?php
$wgDBuser = "@user@";
$wgDBpassword = "@password@";
$wgSecretKey = "@key64@";
